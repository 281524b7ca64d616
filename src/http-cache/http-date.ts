import { remembered } from '../base/remembered.ts';

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH = MONTHS.join('|');
const DAY_NAME = 'mon|tue|wed|thu|fri|sat|sun';
const LONG_DAY_NAME = 'monday|tuesday|wednesday|thursday|friday|saturday|sunday';
const TIME = String.raw`(?<hour>\d{2}):(?<minute>\d{2}):(?<second>\d{2})`;

/** RFC 9110 §5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`. Case is forgiven, nothing else. */
const IMF_FIXDATE = new RegExp(
  String.raw`^(?:${DAY_NAME}), \d{2} (?:${MONTH}) \d{4} \d{2}:\d{2}:\d{2} GMT$`,
  'i',
);
/** `Sunday, 06-Nov-94 08:49:37 GMT` */
const RFC_850 = new RegExp(
  String.raw`^(?:${LONG_DAY_NAME}), (?<day>\d{2})-(?<month>${MONTH})-(?<year>\d{2}) ${TIME} GMT$`,
  'i',
);
/** `Sun Nov  6 08:49:37 1994` */
const ASCTIME = new RegExp(
  String.raw`^(?:${DAY_NAME}) (?<month>${MONTH}) (?<day>\d{2}| \d) ${TIME} (?<year>\d{4})$`,
  'i',
);

/**
 * A date of HTTP in any of its three formats, in milliseconds since the epoch; `undefined` for anything else, which
 * calendars do not know included. The name of the day is not held against the date.
 * @param now milliseconds; a year of two digits is the latest that is less than 50 years ahead. RFC 9110 §5.6.7
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  if (IMF_FIXDATE.test(text)) return instantOfFixdate(text);
  const parts = partsOfOldDate(text, now);
  return parts && instantOf(parts);
}

/** One answer is asked for its dates several times, and those of a second have the same. */
const instantOfFixdate = remembered((text) => instantOf(partsOfFixdate(text)));

function instantOf(parts: DateParts): number | undefined {
  const { day, year, hour, minute, second } = parts;
  const month = MONTHS.indexOf(parts.month.toLowerCase());
  // A second of 60 is a leap second.
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  if (date.getUTCMonth() !== month || date.getUTCDate() !== day) return undefined; // 31 Feb
  return date.setUTCHours(hour, minute, second);
}

interface DateParts {
  readonly day: number;
  readonly month: string;
  readonly year: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** By their places, which are always the same: nearly all dates are of this format, and groups cost several times as much. */
function partsOfFixdate(text: string): DateParts {
  return {
    day: Number(text.slice(5, 7)),
    month: text.slice(8, 11),
    year: Number(text.slice(12, 16)),
    hour: Number(text.slice(17, 19)),
    minute: Number(text.slice(20, 22)),
    second: Number(text.slice(23, 25)),
  };
}

function partsOfOldDate(text: string, now: number): DateParts | undefined {
  const groups = (RFC_850.exec(text) ?? ASCTIME.exec(text))?.groups;
  if (!groups) return undefined;
  const { day, month = '', year = '', hour, minute, second } = groups;
  return {
    day: Number(day),
    month,
    year: year.length === 2 ? fullYear(Number(year), now) : Number(year),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
  };
}

/** The one format that is written. */
export function formatHttpDate(ms: number): string {
  return new Date(ms).toUTCString();
}

function fullYear(twoDigits: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  if (year > thisYear + 50) return year - 100;
  return year <= thisYear - 50 ? year + 100 : year;
}
