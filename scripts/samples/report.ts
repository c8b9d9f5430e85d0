/**
 * A report of about twenty pages, put together from sentences in a fixed order: one chapter per branch with figures,
 * praise, complaints and case notes that hold personal data (invented, or published test numbers).
 */

const BRANCHES = [
  'Aberdeen',
  'Bath',
  'Bristol',
  'Cardiff',
  'Dundee',
  'Exeter',
  'Glasgow',
  'Hull',
  'Ipswich',
  'Leeds',
  'Norwich',
  'Oxford',
  'Plymouth',
  'Preston',
  'Reading',
  'Sheffield',
  'Truro',
  'York',
] as const;

const PEOPLE = [
  'Amelia Carter',
  'Benjamin Hughes',
  'Charlotte Reid',
  'David Morgan',
  'Emily Watson',
  'Frank Osborne',
  'Grace Bennett',
  'Henry Walsh',
  'Isabel Turner',
  'Jack Palmer',
  'Katherine Boyd',
  'Lewis Graham',
  'Martha Quinn',
  'Nathan Price',
  'Olivia Dawson',
  'Patrick Ellis',
  'Rachel Simmons',
  'Samuel Foster',
  'Teresa Lane',
  'Victor Hale',
] as const;

/** Numbers that card networks and banks publish for tests and examples. */
const CARDS = [
  '4111 1111 1111 1111',
  '5555 5555 5555 4444',
  '4012 8888 8888 1881',
  '3782 822463 10005',
] as const;
const IBANS = [
  'GB82 WEST 1234 5698 7654 32',
  'DE89 3704 0044 0532 0130 00',
  'FR14 2004 1010 0505 0001 3M02 606',
] as const;

const GOODS = [
  'a kitchen table',
  'an oak wardrobe',
  'a reading lamp',
  'a garden bench',
  'a leather armchair',
  'a bookcase',
  'a bunk bed',
  'a chest of drawers',
] as const;

const PRAISE = [
  'Customers described the advice at the counter as friendly, patient and honest.',
  'The new delivery slots were a great success and nearly every visitor welcomed them.',
  'Several families wrote to say how happy they were with the quick and careful assembly.',
  'The repair workshop earned excellent marks, and its staff are proud of them.',
  'The evening opening hours proved popular, and the team enjoyed the lively atmosphere.',
  'A generous exchange policy won back customers who had been lost in the year before.',
] as const;

const BLAME = [
  'The telephone line, on the other hand, remained a disaster: callers waited for more than twenty minutes and many gave up in anger.',
  'Damaged parcels were again the worst problem, and the poor packaging of glass caused most of the losses.',
  'The failure of the till system on two Saturdays led to long queues and bitter complaints.',
  'Two deliveries were lost entirely, which annoyed everybody concerned and harmed our good name.',
  'The old lift broke down four times, and elderly visitors were rightly upset.',
  'An error in the price labels misled customers, and the apology came far too late.',
] as const;

const FACTS = [
  'The branch keeps its stock in a warehouse two miles from the shop.',
  'Returns are sorted on Tuesdays and Fridays and sent to the central depot.',
  'The lease of the building ends in four years and contains an option to renew.',
  'Three vans serve the area, one of them with a lifting platform.',
  'The figures in this chapter were taken from the ledger on the last day of the quarter.',
  'Staff attended two days of training in March and one in September.',
  'Opening hours follow the calendar that was agreed with the council.',
  'The survey was sent to every tenth customer by post and by e-mail.',
] as const;

const PLANS = [
  'In the coming year the branch will test a booking system for assembly at home.',
  'The manager has asked for a second workbench and a quieter compressor.',
  'A shorter form for returns is being written and will be tried from January.',
  'The car park is to be marked anew, with two spaces for people with disabilities.',
  'The branch will share a delivery round with its neighbour on Wednesdays.',
  'A small exhibition about timber is planned for the spring holidays.',
] as const;

const at = <T>(list: readonly T[], index: number): T => {
  const item = list[index % list.length];
  if (item === undefined) throw new Error('empty list');
  return item;
};

const email = (name: string) => `${name.toLowerCase().replace(' ', '.')}@example.com`;

function caseNote(branch: number, note: number): string {
  const n = branch * 3 + note;
  const person = at(PEOPLE, n * 7 + branch);
  const goods = at(GOODS, n + branch);
  const phone = `(0${100 + n}) 555-01${String(10 + n)}`;
  const card = at(CARDS, n);
  const iban = at(IBANS, n);
  const forms = [
    `Case ${1000 + n}. ${person} bought ${goods} and was delighted with it, but the invoice went to a wrong address. A corrected copy was sent to ${email(person)}, and the matter was closed on the same day.`,
    `Case ${1000 + n}. ${person} returned ${goods} because a leg was broken. The amount was paid back to the card ${card}; the customer, who can be reached on ${phone}, accepted the apology.`,
    `Case ${1000 + n}. ${person} complained that ${goods} had arrived with scratches and that nobody had answered three letters. The refund was sent by transfer to ${iban}. The customer remained disappointed and asked that a manager write to ${email(person)}.`,
    `Case ${1000 + n}. ${person} thanked the driver for carrying ${goods} to the fourth floor, and left the number ${phone} for a call about the spring catalogue.`,
  ] as const;
  return at(forms, n + Math.floor(branch / 2));
}

function chapter(branch: string, index: number): string {
  const sold = 4200 + index * 317;
  const share = (0.8 + (index % 7) * 0.35).toFixed(2);
  const score = (6.1 + (index % 9) * 0.37).toFixed(1);
  return [
    `${index + 2}. ${branch}`,
    `The branch in ${branch} sold ${sold.toLocaleString('en-GB')} pieces during the year and employed ${14 + (index % 8)} people. The share of returned goods was ${share} per cent, and customers rated the branch at ${score} out of ten. ${at(FACTS, index)} ${at(FACTS, index + 3)}`,
    `${at(PRAISE, index)} ${at(PRAISE, index + 2)} Visitors mentioned ${at(PEOPLE, index * 3)} and ${at(PEOPLE, index * 3 + 1)} by name, and both received a bonus in December.`,
    `${at(BLAME, index)} ${at(BLAME, index + 4)} The area manager, ${at(PEOPLE, index + 11)}, visited the branch on ${3 + index} October 2025 and agreed on a list of eleven measures with the staff.`,
    `Of the letters that reached the branch, three are given here as examples. ${caseNote(index, 0)}`,
    caseNote(index, 1),
    caseNote(index, 2),
    `${at(FACTS, index + 5)} ${at(PLANS, index)} ${at(PLANS, index + 3)}`,
    `The stock was counted on the second Sunday in January. The difference between the books and the shelves came to ${31 + index * 4} pieces, of which ${12 + index} were found in the following week in the wrong aisle. ${at(FACTS, index + 1)} The cost of heating and light rose by ${3 + (index % 5)} per cent, while the rent stayed the same. ${at(PRAISE, index + 4)}`,
    `The delivery round covered ${11 + index} postal districts. On an ordinary day the vans made ${22 + (index % 6)} stops, and on the busiest day of the year, the Saturday before Christmas, they made ${41 + index}. The drivers report that narrow streets and missing house numbers cost more time than traffic. ${at(BLAME, index + 2)} A new map was printed in June, and since then the number of failed deliveries has fallen from ${19 + index} to ${7 + (index % 4)} a month.`,
    `In the survey, ${140 + index * 6} customers answered all twelve questions. Most of them came by car, a third came on foot, and the remainder ordered by telephone. Asked what they would change, they named the waiting time first, the catalogue second and the car park third. ${at(PRAISE, index + 5)} ${at(PLANS, index + 1)}`,
  ].join('\n\n');
}

/** The whole report in plain text, about 60 kB. */
export function longReport(): string {
  const opening = [
    'Harrow & Finch Furniture',
    'Report on customer service in the year 2025',
    '1. Summary',
    'This report describes how eighteen branches served their customers in 2025. It draws on the ledgers, on the letters and calls that were received, and on the survey of the autumn. Each chapter follows the same order: the figures, what went well, what went wrong, three cases from the files, the stock, the deliveries, the survey and the plans.',
    'On the whole it was a good year. Satisfaction rose, the workshop became faster, and fewer goods came back. The telephone line and the packaging of glass are still weak, and the report does not hide it.',
    'Questions about the report may be sent to reports@harrow-finch.example, or to the office at 20 Station Road, Leeds. The figures can be found at https://reports.harrow-finch.example/2025 inside the company network; the file server has the address 192.0.2.44.',
  ].join('\n\n');
  const closing = [
    `${BRANCHES.length + 2}. Conclusion`,
    'The branches that answered letters within two days have the happiest customers, whatever else they do. That is the clearest lesson of the year and the cheapest to act upon. We recommend a common target of two days, a second person on the telephone line from ten to two, and thicker card around glass.',
    'We thank everybody who wrote to us, in praise or in anger. Both have helped.',
  ].join('\n\n');
  return `${[opening, ...BRANCHES.map(chapter), closing].join('\n\n')}\n`;
}
