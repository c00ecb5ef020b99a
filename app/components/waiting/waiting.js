// Waits for the answer to a question. Data: question, its number.
const waiting = new WeakMap()  // of each place: the question that is waited for

// Asks how far it is, first often and then less so, and has the page run when there is something to see.
async function wait(place, question, send) {
  let pause = 80
  let there = null
  while (waiting.get(place) === question && place.isConnected) {
    await new Promise((go) => setTimeout(go, pause))
    pause = Math.min(pause * 1.15, 1000)
    const state = await fetch(`/api/questions/${question}`).then((got) => got.json()).catch(() => ({}))
    const moved = there !== null && state.there !== undefined && state.there !== there
    there = state.there ?? there
    if (waiting.get(place) !== question || !place.isConnected) return
    if (state.status === "done" || state.status === "failed" || moved) return send("ended", Date.now())
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".waiting")
  if (waiting.get(place) === data.question) return  // only the theme changed
  waiting.set(place, data.question)
  wait(place, data.question, setTriggerValue)
}
