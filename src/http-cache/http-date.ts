const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH = MONTHS.join('|');
const DAY_NAME = 'mon|tue|wed|thu|fri|sat|sun';
const LONG_DAY_NAME = 'monday|tuesday|wednesday|thursday|friday|saturday|sunday';
const TIME = String.raw`(?<hour>\d{2}):(?<minute>\d{2}):(?<second>\d{2})`;

/** RFC 9110 §5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`. Case is forgiven, nothing else. */
const IMF_FIXDATE = new RegExp(
  String.raw`^(?:${DAY_NAME}), (?<day>\d{2}) (?<month>${MONTH}) (?<year>\d{4}) ${TIME} GMT$`,
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
  const parts = (IMF_FIXDATE.exec(text) ?? RFC_850.exec(text) ?? ASCTIME.exec(text))?.groups;
  if (!parts) return undefined;
  const [day, hour, minute, second] = [parts['day'], parts['hour'], parts['minute'], parts['second']].map(
    Number,
  ) as [number, number, number, number];
  const month = MONTHS.indexOf((parts['month'] ?? '').toLowerCase());
  // A second of 60 is a leap second.
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const year = parts['year']?.length === 2 ? fullYear(Number(parts['year']), now) : Number(parts['year']);
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  if (date.getUTCMonth() !== month || date.getUTCDate() !== day) return undefined; // 31 Feb
  return date.setUTCHours(hour, minute, second);
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
