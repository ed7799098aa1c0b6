/** What people should know of the answers that a run has got, in sentences. */
export function notesOn(counts: Readonly<Record<string, number>>): string[] {
  const told: [name: string, text: (count: string) => string][] = [
    ["reused_answers", (count) => `${count} answers were paid for by other runs (--answers) and cost nothing here`],
    [
      "undeleted_files",
      (count) =>
        `${count} files of batches could not be deleted at the server, where they hold conversations and answers`,
    ],
  ];
  return told.flatMap(([name, text]) => (counts[name] ? [text(counts[name].toLocaleString("en-US"))] : []));
}
