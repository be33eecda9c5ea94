// Call `reconnected` each time the connection to the server is restored (kmseg/ui/server/front.js).
// Components load after the first connection, so that one is not reported.
export function onReconnect(signal, reconnected) {
  const changed = ({ detail }) => detail === "open" && reconnected()
  addEventListener("kmseg:connection", changed, { signal })
}
