// Telephones get pages of their own under the same URL, and everybody is told where an answer came from.
import { answer, noOpinion, question, textAfter } from "./host";

/** What parts equal URLs. */
export function vcl_hash(): i32 {
  return isTelephone(question()) ? answer('{"key":"telephone"}') : noOpinion();
}

/** The backend hears of it too, and need not look at the browser's name itself. */
export function vcl_backend_fetch(): i32 {
  return answer(isTelephone(question()) ? '{"set":{"X-Device":"telephone"}}' : '{"set":{"X-Device":"desktop"}}');
}

export function vcl_deliver(): i32 {
  const isHit = question().endsWith('"hit":true}');
  return answer(isHit ? '{"set":{"X-Served-From":"cache"}}' : '{"set":{"X-Served-From":"origin"}}');
}

function isTelephone(json: string): bool {
  return textAfter(json, '"user-agent":["').indexOf("Mobile") >= 0;
}
