/** What people should know of the answers that a run has got, in sentences. */
export function notesOn(counts: Readonly<Record<string, number>>): string[] {
  const told: [name: string, text: (count: string) => string][] = [
    ["reused_answers", (count) => `${count} answers were paid for by other runs (--answers) and cost nothing here`],
    [
      "prompts_cut",
      (count) =>
        `of ${count} prompts the server read only a part, by its own count of tokens: their intents are \`truncated\`; models.intents.contextTokens says how much it takes, and the same command then asks for those again`,
    ],
    [
      "undeleted_files",
      (count) =>
        `${count} files of batches could not be deleted at the server, where they hold conversations and answers`,
    ],
  ];
  return told.flatMap(([name, text]) => (counts[name] ? [text(counts[name].toLocaleString("en-US"))] : []));
}
