const SENTENCES = [
  'The delivery came two days early and everything was in perfect order.',
  'I waited forty minutes on the line before somebody answered my question.',
  'Please send the invoice to the address in Springfield that you have on file.',
  'The replacement part fits well, although the manual leaves out two steps.',
  'Our team would gladly order again, and has told others about the service.',
  'The second package was damaged, and the refund has still not arrived.',
  'Thank you for the quick help with the contract of the northern branch.',
];

/** An English text of about 1 kB that no other number has. */
export function textOfOneKilobyte(number: number): Buffer {
  let text = `Letter ${number} to the customer service\n\n`;
  for (let i = number; text.length < 1000; i++) text += `${SENTENCES[i % SENTENCES.length]} `;
  return Buffer.from(text);
}
