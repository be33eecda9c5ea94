// Call `back` each time the connection to the server is there again, see kmseg/ui/server/front.js.
// Components come after the first connection, so that one is not reported.
export function onReconnect(signal, back) {
  addEventListener("kmseg:connection", ({ detail }) => detail === "open" && back(), { signal })
}
