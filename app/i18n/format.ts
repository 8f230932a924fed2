/** Bytes, durations and times as people write them, in the window's language. */
import type { Locale } from '../../main/contract';
import type { Text } from './catalog';

const KILO = 1000;
const byteUnits = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const;

export interface Format {
  /** Three digits are enough to judge by: 7.5 GB, 180 MB. */
  bytes(value: number): string;
  rate(bytesPerSecond: number): string;
  /** The two largest units: 3 d 4 h. */
  duration(ms: number): string;
  /** A pause, as exactly as one feels it: 0.31 s, 4.2 s. */
  pause(ms: number): string;
  percent(share: number): string;
  number(value: number, digits?: number): string;
  /** Time of today, or date and time. */
  time(atMs: number): string;
  ago(atMs: number, nowMs: number): string;
}

export function makeFormat(locale: Locale, t: Text): Format {
  const byteFormats = byteUnits.map((unit) => [0, 1].map((digits) => new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: digits })));
  const numbers = [0, 1, 2].map((digits) => new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  const percents = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 });
  const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const date = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });

  const bytes = (value: number): string => {
    let unit = 0;
    let amount = value;
    while (Math.abs(amount) >= KILO && unit < byteUnits.length - 1) {
      amount /= KILO;
      unit++;
    }
    return byteFormats[unit]![unit > 0 && amount < 10 ? 1 : 0]!.format(amount);
  };
  return {
    bytes,
    rate: (bytesPerSecond) => t('format.rate', { bytes: bytes(bytesPerSecond) }),
    duration: (ms) => {
      const total = Math.max(0, Math.floor(ms / 1000));
      const [days, hours, minutes, secs] = [Math.floor(total / 86400), Math.floor(total / 3600) % 24, Math.floor(total / 60) % 60, total % 60];
      if (days > 0) return t('format.days', { days, hours });
      if (hours > 0) return t('format.hours', { hours, minutes });
      if (minutes > 0) return t('format.minutes', { minutes, seconds: secs });
      return t('format.seconds', { seconds: secs });
    },
    pause: (ms) => t('format.seconds', { seconds: numbers[ms < 1000 ? 2 : ms < 10_000 ? 1 : 0]!.format(ms / 1000) }),
    percent: (share) => percents.format(share),
    number: (value, digits = 0) => numbers[digits]!.format(value),
    time: (atMs) => (new Date(atMs).toDateString() === new Date().toDateString() ? clock : date).format(atMs),
    ago: (atMs, nowMs) => {
      const secs = Math.round((nowMs - atMs) / 1000);
      if (secs < 60) return relative.format(-Math.max(0, secs - (secs % 10)), 'second');
      if (secs < 3600) return relative.format(-Math.floor(secs / 60), 'minute');
      if (secs < 86_400) return relative.format(-Math.floor(secs / 3600), 'hour');
      return relative.format(-Math.floor(secs / 86_400), 'day');
    },
  };
}
