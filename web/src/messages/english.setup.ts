// Unit tests read English texts.
import { language } from '../language.svelte'

await language.load('en')
