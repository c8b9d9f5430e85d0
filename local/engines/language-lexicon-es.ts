import type { StemLexicon } from './language-lexicon.ts';

/** Spanish words of letters, reviews and complaints, rated by hand; a stem covers its endings. */
export const SPANISH: StemLexicon = {
  stems: [
    [3.4, 'excelente excepcional fantástic maravillos magnífic estupend extraordinari inmejorable'],
    [
      3.0,
      'perfect encantad encanta genial espectacular increíble precios delicios feliz felices felicidad felicit',
    ],
    [
      2.4,
      'amable amabilidad gracias bonit hermos content satisfech agradable agradecid agradezc recomiend recomendaré recomendar recomendable alegr disfrut impresionant entusiasm éxito amor adoro querid',
    ],
    [
      1.7,
      'buen bueno buena buenos buenas bien mejor mejores rápid puntual just just honest limpi cómod útil ayud pacienc atent cordial eficaz eficient confian gratis gusta gustó gustado facil fácil seguro segura',
    ],
    [
      -1.6,
      'tarde retras demor problema problemas car caro cara caros caras difícil lent espera esperar esperando falta faltan faltaba queja quejar reclam lamento lamentable desgraciad complicad ruido rasguñ devoluc',
    ],
    [
      -2.3,
      'mal mala malo malos malas error defect defectuos rot roto rota dañad decepcion insatisfech descontent groser maleducad suci peligros perdid inútil fracas enfad molest triste incompetent ignorar ignorad equivocad fuga',
    ],
    [
      -3.2,
      'terrible horrible pésim inaceptable desastr vergüenza vergonzos fatal odio estafa engañ indignant insoportable espantos asqueros peor peores abandonad furios',
    ],
  ],
  negations: 'no nunca jamás nada nadie ningún ninguna ninguno tampoco ni sin',
  negationReach: { before: 3, after: 0 },
  strengthen:
    'muy mucho mucha tan súper realmente totalmente completamente extremadamente sumamente bastante más absolutamente',
  weaken: 'algo poco apenas ligeramente casi',
  contrasts: 'pero aunque sino',
};
