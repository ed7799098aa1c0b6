/**
 * The ceiling: what DuckDB's SQL alone needs for the same filter, flip and zstd Parquet, without ids of users, shards,
 * rejections, duplicates, splits and manifests. Prints the number of samples as JSON:
 *
 *     node dist/scripts/bench/ceiling.js <files> <folder> <threads>
 */
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { quote } from "../../pipeline/files/duckdb.ts";
import { END } from "../../pipeline/text/control-tokens.ts";

const [files = "", folder = "", threads = "1"] = process.argv.slice(2);

const SAMPLES = `
  WITH kept AS (
    SELECT conversation_hash AS id, language, country, model, hashed_ip AS user_id,
           list_transform(conversation, lambda m: {'role': m.role, 'content': m.content}) AS turns
    FROM read_parquet(${quote(files)}, hive_partitioning = false)
    WHERE language = 'English' AND NOT toxic
  ),
  flipped AS (SELECT *, unnest(range(1, len(turns) // 2 + 2)) AS turn FROM kept)
  SELECT id || ':' || turn AS id, id AS conversation_id, turn, len(turns) // 2 AS turns,
         turns[1 : 2 * (turn - 1)] AS context, coalesce(turns[2 * turn - 1].content, ${quote(END)}) AS target,
         language, country, model, user_id
  FROM flipped
  WHERE trim(coalesce(turns[2 * turn - 1].content, ${quote(END)})) <> ''`;

const instance = await DuckDBInstance.create(":memory:", { threads, memory_limit: "8GB" });
const connection = await instance.connect();
await connection.run("SET preserve_insertion_order = false");
const path = quote(join(folder, "samples.parquet"));
const written = await connection.runAndReadAll(`COPY (${SAMPLES}) TO ${path} (FORMAT parquet, COMPRESSION zstd)`);
console.log(JSON.stringify({ samples: Number(written.getRows()[0]?.[0]) }));
