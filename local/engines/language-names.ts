const words = (list: string) => list.split(/\s+/).filter(Boolean);

/** Given names that are common in English, German and Spanish, without those that are ordinary words too. */
export const GIVEN_NAMES: ReadonlySet<string> = new Set(
  words(`Adam Alan Alejandro Alexander Alice Amanda Amelia Amy Ana Andrea Andreas Andrew Angela Anja Anna Anne Anthony
    Antonio Barbara Beatriz Begoña Benjamin Bernd Birgit Björn Brian Carl Carlos Carmen Carol Caroline Catherine
    Charles Charlotte Christian Christina Christopher Claire Clara Claudia Daniel David Deborah Diana Diego Dieter Donald
    Dorothy Edward Eleanor Elena Elisabeth Elizabeth Ella Emily Emma Eric Erik Esther Eva Felix Fernando Florian
    Francisco Frank Franz Fritz Gary George Gerald Gerhard Gloria Greta Guillermo Günter Hannah Hannelore Hans Harold
    Heike Heinz Helen Helga Henry Herbert Ingrid Irene Isabel Isabella Jack Jacob James Jan Jane Janet Javier Jean Jennifer
    Jens Jessica Joan Joanna Johann John Jonathan Jorge José Joseph Joshua Juan Judith Julia Julian Juliane Jürgen Karen
    Karin Karl Katharina Katherine Kathleen Kenneth Kevin Klaus Laura Lena Leonie Lewis Linda Lisa Louise Lucas Lucía
    Luis Lukas Manfred Manuel Marcos Margaret María Maria Marie Marion Markus Marta Martha Martin Martina Mary Matthew
    Matthias Max Mercedes Michael Michelle Miguel Monika Nancy Natalie Nathan Nicholas Nicole Nina Nora Olivia Oliver
    Oscar Pablo Pamela Patricia Patrick Paul Paula Pedro Peter Petra Philip Rachel Rafael Ralph Raúl Rebecca Renate Richard
    Robert Roger Ronald Rosa Ruth Ryan Sabine Samuel Sandra Sarah Scott Sean Sebastian Sergio Sharon Silke Silvia Simon
    Sofía Sophia Sophie Stefan Stephanie Stephen Steven Susan Susanne Sven Teresa Theresa Thomas Timothy Tobias Ulrich
    Ursula Uwe Vanessa Veronica Victor Victoria Virginia Walter Werner William Wolfgang Änne`),
);

/** Titles before a name; in English, German and Spanish. */
export const TITLES =
  'Mrs?|Ms|Miss|Mx|Dr|Prof(?:essor)?|Sir|Madam|Lady|Lord|Herrn?|Frau|Señor(?:a|ita)?|señor(?:a|ita)?|Sra?|Srta|Don|Doña';

/** Capitalised words that follow a given name or title without being a part of the name. */
export const NOT_NAMES: ReadonlySet<string> = new Set(
  words(`And Or The A An In On At For Of To We I It Is Was My Your Our Their Dear Madam Sir Und Der Die Das Ich Wir Sie
    Y El La Los Las Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July
    August September October November December Ltd Inc GmbH Damen Herren`),
);
