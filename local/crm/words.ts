/** What a ticket is about: a subject, and what may be written in it. `{…}` stand for what differs from ticket to ticket. */
export interface Topic {
  readonly subject: string;
  readonly sentences: readonly string[];
  readonly tags: readonly string[];
}

/** Topics by the mood of who writes. */
export const TOPICS = {
  negative: [
    {
      subject: 'Order {order} arrived damaged',
      sentences: [
        'My order {order} arrived today and the {product} is broken.',
        'The box was crushed and nothing inside was protected, which is unacceptable at this price.',
        'This is the second time it happens and I am really disappointed.',
      ],
      tags: ['shipping', 'damage'],
    },
    {
      subject: 'Still waiting for my refund',
      sentences: [
        'I returned the {product} {days} days ago and still have no refund.',
        'Nobody answers my mails and your hotline hung up on me twice, this is terrible service.',
        'I am angry and will dispute the charge if the money is not back by Friday.',
      ],
      tags: ['refund', 'billing'],
    },
    {
      subject: 'Charged twice for {order}',
      sentences: [
        'You have charged my card twice for order {order}.',
        'I have had to ask for this three times and it is getting ridiculous.',
        'Please fix this mistake, it ruined my month.',
      ],
      tags: ['billing'],
    },
    {
      subject: '{product} stopped working after {days} days',
      sentences: [
        'The {product} failed after only {days} days of normal use.',
        'It will not turn on any more and the instructions are useless.',
        'For a product this expensive the quality is awful.',
      ],
      tags: ['warranty', 'defect'],
    },
    {
      subject: 'Cannot log in, nobody helps',
      sentences: [
        'Since yesterday I cannot log in to my account, the page only says that something went wrong.',
        'The reset mail never arrives and I have lost a whole day because of this.',
        'Very frustrating, and the chat closed on me without an answer.',
      ],
      tags: ['account'],
    },
    {
      subject: 'Wrong item delivered for {order}',
      sentences: [
        'Instead of the {product} you sent me something I never ordered.',
        'Now I am told to pay for the return myself, which is outrageous.',
        'Worst experience I have had with a shop.',
      ],
      tags: ['shipping'],
    },
  ],
  neutral: [
    {
      subject: 'Where is order {order}?',
      sentences: [
        'I would like to know when order {order} will arrive.',
        'The tracking page has shown the same status for {days} days.',
        'Please send me the current delivery date.',
      ],
      tags: ['shipping', 'question'],
    },
    {
      subject: 'Change of delivery address',
      sentences: [
        'Please change the delivery address of order {order}.',
        'The new address is in my account.',
        'The order contains a {product}.',
      ],
      tags: ['account', 'shipping'],
    },
    {
      subject: 'Invoice for {order}',
      sentences: [
        'I need an invoice with our VAT number for order {order}.',
        'It should be made out to the company, not to me.',
        'A PDF by mail is enough.',
      ],
      tags: ['billing', 'question'],
    },
    {
      subject: 'Is the {product} compatible?',
      sentences: [
        'Does the {product} work with the model from last year?',
        'The description mentions an adapter, is it in the box?',
        'We are planning to order {days} pieces.',
      ],
      tags: ['presales', 'question'],
    },
    {
      subject: 'How do I return a {product}?',
      sentences: [
        'I want to return a {product} from order {order}.',
        'Which label do I use and where do I bring the parcel?',
        'It has not been opened.',
      ],
      tags: ['refund', 'question'],
    },
  ],
  positive: [
    {
      subject: 'Thank you for the quick help',
      sentences: [
        'I just wanted to say thank you, the replacement for my {product} arrived the next day.',
        'Your colleague was friendly, patient and solved everything in minutes.',
        'Excellent service, I will happily order again.',
      ],
      tags: ['feedback'],
    },
    {
      subject: 'Great {product}, a small question',
      sentences: [
        'The {product} is wonderful, we love it.',
        'Is there a larger version that we could order for the office?',
        'Keep up the good work!',
      ],
      tags: ['feedback', 'presales'],
    },
    {
      subject: 'Very happy with order {order}',
      sentences: [
        'Everything in order {order} was perfect, and it came two days early.',
        'The packaging was beautiful and the {product} looks even better than in the pictures.',
        'Thanks a lot to the whole team.',
      ],
      tags: ['feedback'],
    },
  ],
  mixed: [
    {
      subject: 'Good product, poor delivery',
      sentences: [
        'The {product} itself is excellent and I am glad that I bought it.',
        'The delivery, however, was a disaster: {days} days late and left in the rain.',
        'Please choose another carrier, it is a pity about such a good product.',
      ],
      tags: ['shipping', 'feedback'],
    },
    {
      subject: 'Nice support, but {order} is still open',
      sentences: [
        'Your support team is kind and answers fast, thank you for that.',
        'Unfortunately the problem with order {order} is still there after {days} days.',
        'I hope that we find a solution soon.',
      ],
      tags: ['shipping'],
    },
  ],
} as const satisfies Readonly<Record<string, readonly Topic[]>>;

export type Mood = keyof typeof TOPICS;

/** Moods as often as a support team meets them. */
export const MOODS: readonly Mood[] = [
  'negative',
  'negative',
  'negative',
  'negative',
  'neutral',
  'neutral',
  'neutral',
  'neutral',
  'mixed',
  'positive',
];

export const PRODUCTS = [
  'coffee grinder',
  'desk lamp',
  'standing desk',
  'office chair',
  'noise-cancelling headset',
  'label printer',
  'water kettle',
  'rucksack',
  'bicycle light',
  'monitor arm',
];

export const REPLIES = [
  'Thank you for writing. I have looked into it and will come back to you today.',
  'I have asked the warehouse and am waiting for their answer.',
  'Could you please send us a picture of the item and of the box?',
  'The replacement is on its way. Please tell us when it has arrived.',
  'I have corrected this in your account.',
];

export const FIRST_NAMES = [
  'Amara',
  'Ben',
  'Carla',
  'Dmitri',
  'Elena',
  'Farid',
  'Greta',
  'Hiro',
  'Ines',
  'Jonas',
  'Karin',
  'Luis',
  'Mei',
  'Nadia',
  'Oskar',
  'Priya',
  'Quentin',
  'Rosa',
  'Samuel',
  'Tove',
];
export const LAST_NAMES = [
  'Adler',
  'Brandt',
  'Castillo',
  'Diallo',
  'Eriksen',
  'Fischer',
  'Garcia',
  'Hoffmann',
  'Ivanova',
  'Jensen',
  'Kowalski',
  'Lindgren',
  'Moreau',
  'Nakamura',
  'Okafor',
  'Petrov',
  'Rossi',
  'Schneider',
  'Tanaka',
  'Weber',
];
export const COMPANIES = [
  'Alder Logistics',
  'Birch Foods',
  'Cedar Clinics',
  'Dune Travel',
  'Elm Publishing',
  'Fjord Energy',
  'Grove Hotels',
  'Harbour Tools',
  'Iris Optics',
  'Juniper Labs',
  'Kestrel Air',
  'Larch Furniture',
];
/** Zones as Zendesk names them, which are those of Rails. */
export const TIME_ZONES = ['Berlin', 'London', 'Madrid', 'Paris', 'Eastern Time (US & Canada)', 'Tokyo'];
