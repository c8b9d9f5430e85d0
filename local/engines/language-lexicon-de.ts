import type { StemLexicon } from './language-lexicon.ts';

/** German words of letters, reviews and complaints, rated by hand; a stem covers its endings. */
export const GERMAN: StemLexicon = {
  stems: [
    [
      3.4,
      'großartig grossartig hervorragend ausgezeichnet fantastisch phantastisch exzellent überragend traumhaft genial',
    ],
    [
      3.0,
      'wunderbar wundervoll begeister perfekt herrlich toll tolle toller tolles tollen spitze super liebevoll einwandfrei vorzüglich prima',
    ],
    [
      2.4,
      'schön köstlich freundlich freud freue freuen freut glücklich herzlich liebe lieben lieb zufrieden hilfsbereit zuverlässig angenehm lecker empfehl empfohlen lob beeindruck erfreu dankbar lacht gelacht lachen genoss genieß gewonnen erfolg',
    ],
    [
      1.7,
      'gut gute guten guter gutes gutem besser beste bester bestes besten dank danke gern gerne hilfreich helfen geholfen schnell pünktlich sauber fair höflich nett nette netten netter gelungen sorgfältig geduldig kompetent problemlos reibungslos fehlerfrei praktisch bequem günstig preiswert vertrauen gefällt gefallen lohnt willkommen kulant',
    ],
    [
      -1.6,
      'leider warten verspät verzöger spät mangel mängel problem schwierig teuer überteuert umständlich fehlt fehlen fehlte kompliziert ärger schade langsam unklar kratzer reklam beanstand beschwer storn mahn anwalt',
    ],
    [
      -2.3,
      'fehler fehlerhaft defekt kaputt beschädig zerkratz schlecht enttäusch unzufrieden unfreundlich unhöflich unverschämt mangelhaft zerbroch gebrochen verloren verlust falsch lärm schmutzig dreckig gefährlich unzuverlässig ungenügend wütend verärger traurig unbrauchbar ignorier vergeblich nutzlos undicht',
    ],
    [
      -3.2,
      'furchtbar fürchterlich schrecklich katastroph inakzeptabel zumutung frech unerträglich entsetz miserabel grauenhaft skandal betrug betrüg horror schlimm unmöglich hasse hassen albtraum alptraum mies widerlich empör',
    ],
  ],
  negations: 'nicht nichts nie niemals niemand kein keine keinen keinem keiner keines weder ohne kaum',
  // «funktioniert nicht», «hat mir nicht gefallen»: German often negates after the verb.
  negationReach: { before: 3, after: 1 },
  strengthen:
    'sehr völlig absolut äußerst total ausgesprochen wirklich besonders unglaublich extrem überaus richtig so sogar höchst ganz komplett',
  weaken: 'etwas ziemlich wenig teilweise einigermaßen bisschen leicht',
  contrasts: 'aber jedoch allerdings dennoch trotzdem',
};
