import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { language } from '../../language.svelte'
import ar from '../../messages/ar.json'
import en from '../../messages/en.json'
import es from '../../messages/es.json'
import fr from '../../messages/fr.json'
import uk from '../../messages/uk.json'
import type { Entry } from './calls'
import { lineOf, unsaid } from './lines'

const rust = join(import.meta.dirname, '../../../../src')
const files = readdirSync(rust, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.rs'))
const source = files.map((file) => readFileSync(join(rust, file), 'utf8')).join('\n')
const entry = (act: string, subject: string, detail: Record<string, unknown> = {}): Entry => ({ at: '2026-11-22T10:00:00Z', actor: 'layla', act, subject, reason: '', detail }) as Entry

const NAMELESS = { answers: [] }

/** An entry of each kind, in the words in which the server notes it: the format string stands in its source. */
const ENTRIES: [Entry, string, format?: string][] = [
  [entry('create_campaign', 'raqqa'), 'Made this campaign.'],
  [entry('apply_campaign', 'texts.es.title texts.en.guide.destroyed policy.minimum release_level licence'), 'Changed settings: Title (Español), Field guide: Destroyed (English), At least, Who may have the damage map, Licence of the damage map.', 'texts.{language}.guide.{key}'],
  [entry('apply_campaign', 'policy.gold_share policy.gold_share_first policy.random_share'), 'Changed settings: Check tiles handed out, By chance.'],
  [entry('change_state', 'paused'), 'Paused the campaign: no new tiles are handed out.'],
  [entry('ingest', 'madre_before.tif'), 'Brought in the picture madre_before.tif.'],
  [entry('remove_scene', '12345'), 'Removed a picture; the tiles were cut anew.', '"remove_scene"'],
  [entry('redate_scene', '12345'), 'Changed the date of a picture; the tiles were cut anew.', '"redate_scene"'],
  [entry('bring_footprints', '1840'), 'Brought in outlines of buildings: 1,840.', '"bring_footprints"'],
  [entry('retile', 'tiles.zoom tiles.least_m'), 'Cut the tiles anew. What changed: Zoom, Smallest tile.', '"retile"'],
  [entry('edit_scene', '12345'), 'Changed what is said of a picture.'],
  [entry('import', 'mapswipe'), 'Brought in labels from mapswipe.'],
  [entry('import_gold', '12 tiles as check gold'), 'Brought in gold from a file: 12 tiles as check gold.', '"{added} tiles as {kind} gold"'],
  [entry('grant_role', 'omar reviewer'), 'Gave omar the role: Reviewer.'],
  [entry('set_role', 'v123456789abc', { role: 'reviewer', before: 'volunteer' }), 'Gave v123456789abc the role: Reviewer.'],
  [entry('remove_member', 'omar', { role: 'reviewer' }), 'Took omar out of the campaign.'],
  [entry('make_invitation', '12345', { role: 'volunteer', uses: 5 }), 'Made an invitation link for the role: Volunteer.'],
  [entry('revoke_invitation', '12345'), 'Revoked an invitation link: it lets nobody in any more.'],
  [entry('accept_invitation', '12345', { role: 'volunteer' }), 'Came in by an invitation link, in the role: Volunteer.'],
  [entry('set_priorities', '0 areas'), 'Took all priority areas away.', '"{} areas"'],
  [entry('change_policy', 'version 3', { version: 3 }), 'Changed how tiles are decided: version 3 of the policy.', '"version {version}"'],
  [entry('extend_area', '1200 tiles'), 'Extended the area. Tiles added: 1,200.', '"{} tiles"'],
  [entry('withdraw_tile', 'b0017'), 'Took the tile b0017 out of view.'],
  [entry('withdraw_scene', 'Before the fire'), 'Took the picture Before the fire out of view.'],
  [entry('bring_back', '12345'), 'Brought back into view what had been taken out of it.'],
  [entry('release', 'version 2'), 'Made version 2 of the released map.', '"version {}"'],
  [entry('draw_sample', 'sample 1: 300 tiles, seed 99'), 'Drew sample 1 to check the map: 300 tiles.', '"sample {number}: {} tiles, seed {}"'],
  [entry('resolve_note', 'uuid'), 'Saw to a remark that a volunteer had left.'],
  [entry('exclude_volunteers', '20 volunteers', { volunteers: ['v1'] }), 'Excluded from the campaign: volunteers: 20. Their labels no longer count.', '"{} volunteers"'],
  [entry('pause_volunteers', 'v123456789abc'), 'Paused for now: v123456789abc. What they labelled still counts.'],
  [entry('lift_exclusions', 'v123456789abc'), 'Let come back: v123456789abc. Their labels count again.'],
  [entry('announce', '12345'), 'Wrote a message to the volunteers.'],
  [entry('withdraw_announcement', '12345'), 'Took a message to the volunteers back.'],
  [entry('review', '14-1-2: no_visible_damage'), 'Decided the tile 14-1-2: No visible damage.', '"{}: {}", new.tile_id, new.answer'],
  [entry('review', '14-1-2: withdrawn'), 'Took back the decision about the tile 14-1-2.', '"{}: withdrawn"'],
  [entry('mark_gold', 'osm: way 7: destroyed as check'), 'Made the tile osm: way 7 check gold. The right answer: Destroyed.', '"{}: {} as {}"'],
  [entry('change_gold', 'b17: damaged as check to destroyed as practice'), 'Changed the gold tile b17: it was Damaged and is Destroyed, as practice gold.', '"{}: {old} as {} to {} as {}"'],
  [entry('retire_gold', 'b17: reviewed'), 'Retired the gold tile b17: its answer stays as a decision.', '"{tile_id}: {becomes}"'],
  [entry('begin_upload', 'uuid'), 'Began to send a file.'],
  [entry('remove_upload', 'uuid'), 'Removed a file that had been sent.'],
  [entry('ask_for_job', 'tiles'), 'Asked the server to cut the tiles anew.'],
  [entry('cancel_job', 'ingest'), 'Stopped the server from bringing in a picture.'],
  [entry('grade_tile', 'sample 2: b17'), 'Graded the tile b17 of sample 2.', '"sample {sample}: {tile_id}"'],
  [entry('change_grade', 'sample 2: b17'), 'Changed the grade of the tile b17 of sample 2.'],
  [entry('add_later_scene', 'july.tif'), 'Began to add the later picture july.tif.'],
  [entry('later_scene_joined', 'july.tif'), 'The later picture july.tif has joined the campaign.'],
]

/** Without the marks that keep a name's own direction. */
const plain = (line: string) => line.replaceAll(/[\u2068\u2069]/g, '')

/** Acts upon accounts and on the server, which stand in no campaign's log. */
const OF_SERVER = ['delete_campaign', 'make_token', 'revoke_token', 'reset_password', 'set_up_second_factor', 'remove_second_factor', 'sign_out', 'sign_out_everybody']

describe('a line of the log', () => {
  afterEach(() => (language.texts = en))

  it.each(ENTRIES)('reads as a sentence: $act of $subject', (one, sentence, format) => {
    expect(plain(lineOf(one, NAMELESS))).toBe(sentence)
    if (format) expect(source, 'the server writes it so').toContain(format)
  })

  it('is there for every act that has a name', () => {
    const known = new Set(ENTRIES.map(([{ act }]) => act))
    const acts = Object.keys(en).filter((key) => key.startsWith('act.')).map((key) => key.slice('act.'.length))
    expect(acts.filter((act) => !known.has(act) && !OF_SERVER.includes(act))).toEqual([])
  })

  it.each([['es', es], ['fr', fr], ['uk', uk], ['ar', ar]])('holds no word for programs in %s', (_, texts) => {
    language.texts = texts
    for (const [one] of ENTRIES) expect(plain(lineOf(one, NAMELESS)).replace(one.subject, '')).not.toMatch(/[a-z]_[a-z]|\{|undefined|NaN/)
  })

  it('keeps the direction of a name within a sentence of another', () => {
    language.texts = ar
    expect(lineOf(entry('ingest', 'town_2025.tif'), NAMELESS)).toContain('\u2068town_2025.tif\u2069')
  })
  it('a picture that was brought in is named, where it is there still', () => {
    expect(plain(lineOf(entry('ingest', '12345'), NAMELESS, { 12345: 'madre_before' }))).toBe('Brought in the picture madre_before.')
    expect(plain(lineOf(entry('ingest', '12345'), NAMELESS))).toBe('Brought in the picture 12345.')
  })

  it('names an act that is newer than this page, with its subject', () => {
    expect(lineOf(entry('paint_tiles', 'blue'), NAMELESS)).toBe('Paint tiles: blue')
  })

  it('calls an answer by the name that the campaign gave it', () => {
    const named = { answers: [{ key: 'torn', names: { en: 'Roof torn off' } }] }
    expect(plain(lineOf(entry('review', 'b1: torn'), named))).toContain('Roof torn off')
    expect(plain(lineOf(entry('apply_campaign', 'scale.names'), named))).toBe('Changed settings: Names of the classes.')
  })

  it('leaves ids and what it says itself out of the details', () => {
    expect(unsaid(entry('withdraw_tile', 'b1', { withdrawal: '12345', leases_ended: 2 }))).toEqual({ leases_ended: 2 })
    expect(unsaid({ ...entry('review', 'b1: damaged'), detail: null as unknown as Entry['detail'] }), 'noted without details').toEqual({})
    expect(unsaid(entry('make_invitation', '1', { role: 'volunteer', uses: 5 }))).toEqual({ uses: 5 })
    expect(unsaid(entry('exclude_volunteers', 'v1', { volunteers: ['v1'] }))).toEqual({})
    expect(unsaid(entry('exclude_volunteers', '2 volunteers', { volunteers: ['v1', 'v2'] }))).toEqual({ volunteers: ['v1', 'v2'] })
  })
})
