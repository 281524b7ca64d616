// Static files for everybody: no cookies, no tracking parameters, kept for a day.
import { answer, noOpinion, question, textAfter } from "./host";

const ENDINGS = [".css", ".js", ".png", ".jpg", ".svg", ".webp", ".woff2"];
const TRACKING = ["utm_", "gclid=", "fbclid="];

/** A request: without what would make equal requests look different. */
export function vcl_recv(): i32 {
  const url = textAfter(question(), '"url":"');
  const query = url.indexOf("?");
  const clean = query < 0 ? url : url.substring(0, query) + keptQuery(url.substring(query + 1));
  if (!isStatic(url)) return clean == url ? noOpinion() : answer('{"url":"' + clean + '"}');
  return answer('{"url":"' + clean + '","remove":["cookie"]}');
}

/** What the backend answered: kept for longer than it says, and served stale for an hour while it is down. */
export function vcl_backend_response(): i32 {
  const json = question();
  if (!isStatic(textAfter(json, '"url":"')) || json.indexOf('"beresp":{"status":200,') < 0) return noOpinion();
  return answer('{"ttl":86400,"grace":3600,"remove":["set-cookie"]}');
}

function isStatic(url: string): bool {
  const query = url.indexOf("?");
  const path = query < 0 ? url : url.substring(0, query);
  for (let i = 0; i < ENDINGS.length; i++) if (path.endsWith(ENDINGS[i])) return true;
  return false;
}

function keptQuery(query: string): string {
  const parts = query.split("&");
  let kept = "";
  for (let i = 0; i < parts.length; i++)
    if (!isTracking(parts[i])) kept += (kept.length == 0 ? "?" : "&") + parts[i];
  return kept;
}

function isTracking(part: string): bool {
  for (let i = 0; i < TRACKING.length; i++) if (part.startsWith(TRACKING[i])) return true;
  return false;
}
