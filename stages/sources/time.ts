import { utcParse } from "d3-time-format";
import { z } from "zod";

/** A time as sources write it (text with or without zone, or a number of s, ms, µs or ns since 1970, as text too). */
export const Time = z.union([z.string(), z.number()]).nullish();

/** A time as ISO 8601 in UTC; a text without a zone is UTC. Null if there is none or it cannot be read. */
export function utc(time: string | number | null | undefined): string | null {
  if (time === null || time === undefined || time === "") return null;
  const [, day, clock, fraction = ""] = PLAIN.exec(String(time)) ?? [];
  if (day !== undefined) return `${day}T${clock}.${fraction.slice(0, 3).padEnd(3, "0")}Z`;
  const number = typeof time === "number" ? time : /^\d{9,19}(\.\d+)?$/.test(time.trim()) ? Number(time) : null;
  const date = new Date(number === null ? withZone(String(time)) : milliseconds(number));
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** Reads times: those of the format first, in UTC unless it has a zone (`%Z`), then those that need none. Null = the same as of `utc`. */
export function timeReader(format: string | null): typeof utc {
  if (format === null) return utc;
  const parse = utcParse(format);
  return (time) =>
    time === null || time === undefined ? null : (parse(String(time).trim())?.toISOString() ?? utc(time));
}

/** Numbers this size are told apart by magnitude: seconds until the year 5138, then ms, µs and ns. */
function milliseconds(time: number): number {
  if (time < 1e11) return time * 1000;
  if (time < 1e14) return time;
  return time < 1e17 ? time / 1e3 : time / 1e6;
}

/** True for a day that the calendar has: `Date` would take 30 February for 1 March. */
function isDay(date: string): boolean {
  const day = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(date);
}

/** What nearly all times are: UTC, on a day that every month has. They need no calendar, which takes ten times as long. */
const PLAIN =
  /^(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8]))[T ]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d+))?(?:Z|\+00(?::?00)?)?$/;

const ISO = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(?:(Z|UTC)|([+-]\d\d):?(\d\d)?)?)?$/i;

/** ISO 8601 as sources write it, made strict; other shapes, which every machine would read in its own zone, are no time. */
function withZone(time: string): string {
  const [, date, clock, , hours, minutes] = ISO.exec(time.trim()) ?? [];
  if (date === undefined || !isDay(date)) return "";
  return `${date}T${clock ?? "00:00"}${hours === undefined ? "Z" : `${hours}:${minutes ?? "00"}`}`;
}
