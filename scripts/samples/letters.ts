/** The words of the short samples. Every person, address and number in them is invented or a published test value. */

export const CUSTOMER_LETTER = `Dear Ms Whitaker,

I am writing to say thank you. The walnut desk I ordered in March arrived two days early, and the two young men who delivered it were friendly, careful and remarkably patient with our narrow staircase. The finish is beautiful and the drawers run like silk. My daughter loves it and has already claimed the left half for her drawings.

When one hinge turned out to be scratched, your colleague Daniel Okafor answered my e-mail within the hour and sent a perfect replacement the next morning. That is excellent service and I have told all my neighbours about it.

Please give the whole team my best wishes. If you ever need a happy customer to quote, you can reach me at margaret.ellison@example.com or on +1 (206) 555-0142.

With kind regards,
Margaret Ellison
48 Harbour Street, Seattle, WA 98101
`;

export const BESCHWERDE = `Sehr geehrte Damen und Herren,

ich bin sehr enttäuscht von Ihrem Service. Die Waschmaschine, die ich am 12. August bestellt habe, kam drei Wochen zu spät und war beschädigt. Das Gehäuse ist zerkratzt, die Tür schließt nicht richtig, und beim Schleudern macht das Gerät einen fürchterlichen Lärm.

Ich habe fünfmal bei Ihrer Hotline angerufen. Jedes Mal musste ich lange warten, und niemand konnte mir helfen. Ein Mitarbeiter war sogar ausgesprochen unhöflich. Das ist eine Zumutung und völlig inakzeptabel.

Ich fordere Sie auf, die fehlerhafte Maschine bis zum 30. September abzuholen und mir den Kaufpreis von 649,00 € auf mein Konto DE89 3704 0044 0532 0130 00 zurückzuzahlen. Andernfalls werde ich mich leider an einen Anwalt wenden.

Sie erreichen mich unter juergen.mueller@example.de oder 030 23125 017.

Mit freundlichen Grüßen
Jürgen Müller
Gänsemarkt 17, 20354 Hamburg
`;

export const CARTA_CLIENTE = `Estimados señores:

Quiero darles las gracias por el magnífico trato que recibí la semana pasada en su tienda de Málaga. La señorita Núñez fue muy amable, me explicó todo con paciencia y me ayudó a elegir la cámara perfecta para mi viaje. El precio era justo y el envío, rápido y sin problemas.

Estoy encantado con la compra: las fotos son preciosas y la batería dura mucho más de lo que esperaba. Recomendaré su tienda a todos mis amigos.

Si necesitan mi opinión para su página, pueden escribirme a begona.ibanez@example.es o llamarme al +34 612 345 678.

Un cordial saludo,
Begoña Ibáñez
Calle Mayor 12, 29015 Málaga
`;

export const GRUESSE = `Liebe Freundinnen und Freunde,

herzliche Grüße aus Shanghai (上海)! Die Reise war wunderbar, das Essen ist köstlich und alle Menschen hier sind unglaublich freundlich. Gestern haben wir einen großartigen Ausflug an den See gemacht; die Kinder waren begeistert und haben den ganzen Tag gelacht.

Vielen Dank für eure liebe Karte. Wir freuen uns sehr auf das Wiedersehen im Oktober.

Eure Änne und Björn
`;

export const MIXED_REVIEW = `Two weeks with the Aurora coffee machine.

I love the espresso. It is rich, hot and delicious, and the design is gorgeous: friends who visit always admire it. The milk frother is superb and easy to clean.

I hate the software. The app crashes every morning, the update was a disaster, and the support line is useless and rude. The water tank leaks, which is dangerous on a wooden worktop, and I was furious when the pump failed on Saturday.
`;

/** The letter of the photographed picture: a complaint. */
export const PHOTOGRAPHED_LETTER = [
  'Oakfield Furniture Ltd',
  '12 Mill Lane, Leeds',
  '',
  '14 May 2026',
  '',
  'Dear Sir or Madam,',
  '',
  'I am very unhappy with the sofa that your company',
  'delivered on Monday. The left arm is broken, one leg is',
  'missing, and the fabric smells terribly of smoke.',
  '',
  'I called your office three times. Nobody helped me, and',
  'the last person I spoke to was rude. This is the worst',
  'service I have ever had.',
  '',
  'Please collect the damaged sofa and refund the price of',
  '849 pounds before the end of this month. Otherwise I',
  'shall take the matter to the small claims court.',
  '',
  'Yours faithfully,',
  'Thomas Hartley',
].join('\n');

/** The page that is scanned on its side: a cheerful announcement. */
export const ROTATED_SCAN = [
  'GARDEN CLUB NEWS',
  '',
  'Our summer fair was a wonderful success. More than two',
  'hundred visitors came, the weather was perfect, and the',
  'children enjoyed every minute of the treasure hunt.',
  '',
  'We raised 1,340 pounds for the new greenhouse. Thank you',
  'to all the generous volunteers who baked cakes, carried',
  'tables and smiled from morning to evening.',
  '',
  'The prize for the best roses went to Helen Marsh, whose',
  'beautiful yellow climbers delighted the judges.',
  '',
  'The next meeting is on Thursday at seven in the village',
  'hall. New members are very welcome, and there will be',
  'tea and excellent company.',
].join('\n');

/** Two columns of a newsletter page, in reading order. */
export const TWO_COLUMNS: readonly [string, string] = [
  [
    'The river rose again in',
    'the second week of March.',
    'At the old bridge the gauge',
    'stood at four metres, two',
    'below the record of 1998.',
    '',
    'The council had cleared the',
    'drains in February, and the',
    'pumps at Ferry Road ran day',
    'and night. No house in the',
    'lower town was flooded.',
    '',
    'Engineers will inspect the',
    'eastern wall in April. The',
    'report is due in June and',
    'will be open to the public.',
  ].join('\n'),
  [
    'The library opens its new',
    'reading room on the first',
    'of May. It has forty seats,',
    'a quiet corner and windows',
    'towards the park.',
    '',
    'Borrowing rules stay as they',
    'are. Books may be kept for',
    'three weeks and renewed',
    'twice by telephone or at',
    'the desk.',
    '',
    'During the move, between 20',
    'and 28 April, books can be',
    'returned at the town hall',
    'on weekdays from nine.',
  ].join('\n'),
];

/** The pages of a scanned rental contract. */
export const SCANNED_CONTRACT: readonly string[] = [
  [
    'RENTAL AGREEMENT',
    '',
    'This agreement is made on 3 February 2026 between',
    'Northgate Storage Ltd, called the Landlord, and',
    'Clara Jensen, called the Tenant.',
    '',
    '1. Premises',
    'The Landlord lets to the Tenant the storage unit',
    'number 27 at 5 Canal Road, York, with a floor area',
    'of 18 square metres.',
    '',
    '2. Term',
    'The term begins on 1 March 2026 and lasts twelve',
    'months. It continues from month to month until one',
    'of the parties gives notice.',
  ].join('\n'),
  [
    '3. Rent',
    'The rent is 140 pounds a month, payable on the first',
    'working day of each month by bank transfer.',
    '',
    '4. Deposit',
    'The Tenant pays a deposit of 280 pounds. The Landlord',
    'returns it within thirty days after the end of the',
    'term, less the cost of repairs.',
    '',
    '5. Use',
    'The unit is used for the storage of household goods.',
    'Animals, fuel and food are not stored in the unit.',
    'The Tenant has access from six to twenty-two hours.',
  ].join('\n'),
  [
    '6. Notice',
    'Either party may end this agreement with one month of',
    'notice in writing. The notice is sent to the address',
    'given on the first page.',
    '',
    '7. Law',
    'This agreement is governed by the law of England and',
    'Wales.',
    '',
    'Signed at York on 3 February 2026',
    '',
    'For the Landlord: Peter Lowe',
    'The Tenant: Clara Jensen',
  ].join('\n'),
];

export const INVOICE: readonly string[] = [
  'INVOICE 2026-0417',
  'Bright & Sons Printing, 9 Foundry Row, Bristol',
  'Invoice date: 17 April 2026',
  'Customer: Hillside Primary School, 2 Church Lane, Bath',
  'Item: 400 programmes, A5, colour',
  'Quantity 400, unit price 0.85, amount 340.00',
  'Item: 25 posters, A2, matt',
  'Quantity 25, unit price 6.40, amount 160.00',
  'Net amount 500.00',
  'VAT 20 percent 100.00',
  'Total 600.00 GBP, payable within 30 days',
  'Account: GB82 WEST 1234 5698 7654 32',
  'Questions: accounts@bright-printing.example',
];

/** The pages of a fax: an order and its confirmation. */
export const FAX: readonly string[] = [
  [
    'FAX',
    'To: Meridian Parts, Order Desk',
    'From: Southport Marine Repairs',
    'Date: 9 June 2026',
    'Pages: 2',
    '',
    'We order the following parts for delivery to our',
    'yard in Southport by 20 June:',
    '',
    'Two fuel pumps, model FP 220',
    'Six oil filters, model OF 14',
    'One water pump gasket, model WG 3',
  ].join('\n'),
  [
    'Terms of delivery',
    '',
    'The parts are sent by road to Dock 4, Southport.',
    'The yard is open from seven to sixteen hours.',
    'The invoice is sent with the parts and is paid',
    'within fourteen days.',
    '',
    'Signed: R. Calloway, Workshop',
  ].join('\n'),
];

export const COMPLAINT = `Oakfield, 18 November 2026

Customer number C-1002

To the complaints department,

I am very disappointed. The standing desk that I ordered three weeks ago arrived late, the top was
scratched, and the motor failed on the second day. Your support kept me waiting for an hour and then
hung up. This is terrible service, and I am angry about the time and the money that I have lost.

I want a refund. If this goes on, I shall never buy from you again.

Peter Vale
`;
