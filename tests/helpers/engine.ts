import { DuckDBInstance } from "@duckdb/node-api";

/** Rows of a query, as plain JSON values. The engine is not the one that wrote the files. */
export async function select<Row = Record<string, unknown>>(sql: string): Promise<Row[]> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    const result = await connection.runAndReadAll(`SELECT to_json(q)::VARCHAR FROM (${sql}) q`);
    return result.getRows().map(([row]) => JSON.parse(String(row)) as Row);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Runs a statement that gives no rows, such as COPY. */
export async function execute(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    await connection.run(sql);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
