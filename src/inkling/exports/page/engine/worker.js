/** The engine behind the page's messages, so that the page never waits for it.
 *
 * In: {load: {model, weights}}, {reply: number, message, history, settings}, {stop: number}.
 * Out: {ready: true}, {reply, drafts, ended, text}, {reply, done}, {failed: sentence}. */

const SLICE_MS = 30;

let model = null;
let stopped = 0;

/** Lets messages in. A timer would wait at least four milliseconds. */
function breathe() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

async function reply({ reply: number, ...request }) {
  let told = performance.now();
  const done = await writeReply(model, request, async (drafts) => {
    if (performance.now() - told > SLICE_MS) {
      const ended = drafts.filter(({ finish }) => finish).length;
      postMessage({ reply: number, drafts: drafts.length, ended, text: drafts.length > 1 ? '' : drafts[0].said });
      await breathe();
      told = performance.now();
    }
    return stopped < number;
  });
  postMessage({ reply: number, done });
}

self.onmessage = async ({ data }) => {
  try {
    if (data.load) {
      model = openModel(data.load.model, data.load.weights);
      postMessage({ ready: true });
    } else if (data.stop) stopped = data.stop;
    else await reply(data);
  } catch (error) {
    postMessage({ failed: String(error) });
  }
};
