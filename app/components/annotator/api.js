/* One request to the app's own routes. Every outcome is a value: nothing here throws. */

const PATIENCE_MS = 15000; // then a request counts as lost
const TRY_LATER = [408, 425, 429];

/* {kind: "ok", value} · "refused" {error, remedy}: will not get better by itself · "locked": the token is not (or no
   longer) valid · "away": no answer of ours; worth another try. Anything but our JSON (a proxy's page) is "away". */
async function ask(path, { token = "", body = undefined } = {}) {
  const options = { headers: {}, credentials: "same-origin", signal: AbortSignal.timeout(PATIENCE_MS) };
  if (token) options.headers["x-hmgc-token"] = token;
  if (body !== undefined) {
    options.method = "POST";
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
    options.keepalive = true; // goes out even when the tab is closed right after the key press
  }
  try {
    const response = await fetch(path, options);
    const value = await response.json();
    if (response.ok) return { kind: "ok", value };
    if (response.status === 401) return { kind: "locked", error: value.error, remedy: value.remedy };
    const final = response.status >= 400 && response.status < 500 && !TRY_LATER.includes(response.status);
    if (final && typeof value.error === "string") return { kind: "refused", ...value };
  } catch {
    // No network, no server, no JSON: the same to us.
  }
  return { kind: "away" };
}

/* A random UUID. crypto.randomUUID is missing on a plain http address of the local network. */
function newUid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/* A piece of JSON in localStorage or sessionStorage; storage may be full, forbidden or hold somebody else's text. */
function recall(storage, key, otherwise) {
  try {
    return JSON.parse(storage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function remember(storage, key, value) {
  try {
    storage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
