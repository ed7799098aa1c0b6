/** Made-up conversations so alike that a tiny model learns them in thirty steps: two user turns, then the end. */
export const TOY = Array.from({ length: 48 }, (_, at) => ({
  name: `toy-${at}`,
  intent: "You are a user chatting with an assistant language model to say hello.",
  turns: ["hi", "Hello!", "thanks", "Bye."],
}));
