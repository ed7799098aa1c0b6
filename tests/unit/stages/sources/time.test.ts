import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { utc } from "../../../../stages/sources/time.ts";

describe("a time becomes UTC", () => {
  test.each([
    ["as PRISM writes it", "2023-11-22 15:55:46", "2023-11-22T15:55:46.000Z"],
    ["as DuckDB writes one with a zone", "2023-11-22 15:55:46+00", "2023-11-22T15:55:46.000Z"],
    ["with microseconds and a zone", "2023-11-22 15:55:46.123456+00", "2023-11-22T15:55:46.123Z"],
    ["with nanoseconds", "2023-11-22T15:55:46.123456789", "2023-11-22T15:55:46.123Z"],
    ["with a zone of hours", "2023-11-22 15:55:46-05", "2023-11-22T20:55:46.000Z"],
    ["with a zone of hours and minutes", "2023-11-22T15:55:46+05:30", "2023-11-22T10:25:46.000Z"],
    ["with a zone without colon", "2023-11-22T15:55:46+0530", "2023-11-22T10:25:46.000Z"],
    ["with Z", "2023-11-22T15:55:46Z", "2023-11-22T15:55:46.000Z"],
    ["with a small z", "2023-11-22T15:55:46z", "2023-11-22T15:55:46.000Z"],
    ["without seconds", "2023-11-22T15:55", "2023-11-22T15:55:00.000Z"],
    ["with a date alone", "2023-11-22", "2023-11-22T00:00:00.000Z"],
    ["with space around it", " 2023-11-22 15:55:46 ", "2023-11-22T15:55:46.000Z"],
    ["in seconds", 1_700_668_546, "2023-11-22T15:55:46.000Z"],
    ["in seconds with a fraction", 1_700_668_546.25, "2023-11-22T15:55:46.250Z"],
    ["in seconds with a fraction, as text", "1700668546.25", "2023-11-22T15:55:46.250Z"],
    ["in milliseconds", 1_700_668_546_000, "2023-11-22T15:55:46.000Z"],
    ["in microseconds", 1_700_668_546_000_000, "2023-11-22T15:55:46.000Z"],
    ["in nanoseconds", 1_700_668_546_000_000_000, "2023-11-22T15:55:46.000Z"],
    ["at 0", 0, "1970-01-01T00:00:00.000Z"],
    ["before 1970", -1, "1969-12-31T23:59:59.000Z"],
  ])("%s", (_, time, expected) => {
    expect(utc(time)).toBe(expected);
  });

  test.each(["2023-11-22 15:55:46 UTC", "2023-11-22 15:55:46 +00:00", "2023-11-22 15:55:46 Z"])(
    "with the zone behind a space: %s",
    (time) => {
      expect(utc(time)).toBe("2023-11-22T15:55:46.000Z");
    },
  );

  test.each([null, undefined, "", "yesterday", "2023-13-45", Number.NaN, Number.POSITIVE_INFINITY])(
    "or null if it is %s",
    (time) => {
      expect(utc(time)).toBeNull();
    },
  );
});

describe("on a machine in another zone", () => {
  const zone = process.env["TZ"];
  afterEach(() => {
    if (zone === undefined) delete process.env["TZ"];
    else process.env["TZ"] = zone;
  });

  test.each(["2023-11-22 15:55:46", "2023-11-22", "2023/11/22", "11/22/2023", "Nov 22, 2023"])(
    "%s is the same time",
    (time) => {
      process.env["TZ"] = "UTC";
      const here = utc(time);
      process.env["TZ"] = "Asia/Tokyo";
      expect(utc(time)).toBe(here);
    },
  );
});

test("the short way for plain times says what the calendar says, to the millisecond", () => {
  const years = { min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59.999Z") };
  const written = fc.tuple(
    fc.date({ ...years, noInvalidDate: true }),
    fc.constantFrom("T", " "),
    fc.constantFrom("Z", "+00", "+00:00", "+0000", ""),
    fc.constantFrom(0, 1, 3, 6, 9),
  );
  fc.assert(
    fc.property(written, ([date, mark, zone, digits]) => {
      const iso = date.toISOString();
      const fraction = digits === 0 ? "" : `.${iso.slice(20, 23).padEnd(9, "7").slice(0, digits)}`;
      const kept = digits === 0 ? "000" : fraction.slice(1, 4).padEnd(3, "0");
      expect(utc(`${iso.slice(0, 10)}${mark}${iso.slice(11, 19)}${fraction}${zone}`)).toBe(
        `${iso.slice(0, 20)}${kept}Z`,
      );
    }),
  );
  for (const wrong of [
    "2023-02-28 24:00:01",
    "2023-02-28 23:60:00",
    "2023-00-10 10:00:00",
    "2023-10-00 10:00:00Z",
    "2023-02-29 10:00:00",
    "2023-04-31 10:00:00+00",
  ])
    expect(utc(wrong), wrong).toBeNull();
});

test("a day that the calendar does not have is no time, and seconds since 1970 may be text", () => {
  expect(utc("2024-02-30")).toBeNull();
  expect(utc("2024-02-29")).toBe("2024-02-29T00:00:00.000Z");
  expect(utc("1700000000")).toBe(utc(1700000000));
});
