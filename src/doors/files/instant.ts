const UNIX_MILLISECONDS = /^\d{1,16}$/;
/** RFC 3339 §5.6. A blank for the `+` of an offset: what a query makes of a plus that was not encoded. */
const RFC_3339 = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d+))?(?:[Zz]|([-+ ])(\d{2}):(\d{2}))$/;
/** ECMAScript's last moment, in milliseconds since the epoch. */
const LAST = 8.64e15;

/**
 * A moment as RFC 3339 or in milliseconds since the epoch → those milliseconds, rounded down. `undefined` for anything
 * else: seconds are no milliseconds, but nobody can tell; a leap second and a day that the calendar does not have are not read.
 */
export function parseInstant(text: string): number | undefined {
  if (UNIX_MILLISECONDS.test(text)) return Number(text) <= LAST ? Number(text) : undefined;
  const [, date, time, fraction = '', sign, hours = '0', minutes = '0'] = RFC_3339.exec(text) ?? [];
  if (date === undefined || Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const wall = `${date}T${time}`;
  const ms = Date.parse(`${wall}.${fraction.slice(0, 3).padEnd(3, '0')}Z`);
  // Date.parse takes the 31st of any month, and 24:00, for a moment of the day after.
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, wall.length) !== wall) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return sign === '-' ? ms + offset : ms - offset;
}
