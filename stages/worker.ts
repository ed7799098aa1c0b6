import { serve } from "../pipeline/executors/worker.ts";
import { stages } from "./index.ts";

// What a worker thread starts with: it knows the stages and does their tasks as it is asked to.
serve(stages);
