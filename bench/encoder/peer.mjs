// node peer.mjs MODULES MODEL.onnx WHAT [LENGTHS]: ONNX Runtime's side of bench/encoder, two
// intra-op threads, all graph optimisations. WHAT: "run" gives the median seconds of a pass over the texts
// of these lengths, sorted by length and padded in batches of 32; "load" those from nothing but the
// loaded library to the first result.
import { createRequire } from "node:module";

const [modules, model, what, lengthsText = "16"] = process.argv.slice(2);
const ort = createRequire(modules + "/")("onnxruntime-node");
const lengths = lengthsText.split(",").map(Number).sort((a, b) => a - b);
const batchSize = 32;

function batches() {
  const made = [];
  for (let first = 0; first < lengths.length; first += batchSize) {
    const some = lengths.slice(first, first + batchSize);
    const longest = Math.max(...some);
    const ids = new BigInt64Array(some.length * longest);
    const mask = new BigInt64Array(some.length * longest);
    some.forEach((length, row) => {
      for (let i = 0; i < length; ++i) {
        ids[row * longest + i] = BigInt(1000 + ((row * 7919 + i * 104729) % 20000));
        mask[row * longest + i] = 1n;
      }
    });
    const shape = [some.length, longest];
    made.push({
      input_ids: new ort.Tensor("int64", ids, shape),
      attention_mask: new ort.Tensor("int64", mask, shape),
    });
  }
  return made;
}

const create = () =>
  ort.InferenceSession.create(model, {
    intraOpNumThreads: 2,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    executionProviders: ["cpu"],
  });

const seconds = () => Number(process.hrtime.bigint()) / 1e9;
const median = (samples) => samples.sort((a, b) => a - b)[Math.floor(samples.length / 2)];

const inputs = batches();
if (what === "load") {
  const begin = seconds();
  const session = await create();
  await session.run(inputs[0]);
  console.log(seconds() - begin);
} else {
  const session = await create();
  const pass = async () => {
    for (const input of inputs) await session.run(input);
  };
  await pass();
  const samples = [];
  const end = seconds() + 3;
  while (samples.length < 3 || (seconds() < end && samples.length < 500)) {
    const begin = seconds();
    await pass();
    samples.push(seconds() - begin);
  }
  console.log(median(samples));
}
