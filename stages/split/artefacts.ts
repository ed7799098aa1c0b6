import { artefactsOf, bytes, passing, singleTable, table } from "../../pipeline/artefact.ts";
import { Leak } from "../../schemas/leak.ts";
import { SplitAssignment } from "../../schemas/split-assignment.ts";
import { Stratum } from "../../schemas/stratum.ts";
import { User } from "../../schemas/user.ts";
import { Sighting } from "./users.ts";

/** What `split` writes. */
export const assigned = artefactsOf("split", {
  users: singleTable(User, "a person and the split that all of their conversations are in"),
  split_assignments: table(SplitAssignment, "the split of one conversation"),
  strata: singleTable(Stratum, "how much of one country went to one split"),
  leaks: singleTable(Leak, "what conversations of different splits have in common all the same"),
  sightings: passing(table(Sighting, "how often a user was seen in a country, in a shard")),
  links: bytes("keys", "what the conversations of a shard share with others, as keys"),
});
