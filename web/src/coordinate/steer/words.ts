// A refusal in words, as every part of steering shows it.
export { inOneLine as wordsOf } from '../setup/refused'
