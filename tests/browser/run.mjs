// Browser tests of the built page against a real server, in plain node with Debian's chromium; harness.mjs tells what to set.
// One file a topic, in an order in which later ones find what earlier ones left. Ends with `N passed, N failed`.
import { strict as assert } from 'node:assert'
import { errors, finish, foreign, test } from './harness.mjs'

// What a coordinator does changes a campaign for all who come later, so those topics have a server of their own each (scripts/test-browser.sh).
const VOLUNTEERS_AND_RESEARCHERS = [
  'labelling', 'compare', 'remarks', 'timeline', 'training', 'standing', 'offline', 'slow', 'languages', 'keyboard', 'account', 'second-factor', 'pages',
  'results', 'validate', 'releases',
]
const topics = process.env.AFTERMAP_TOPICS?.split(',') ?? VOLUNTEERS_AND_RESEARCHERS
for (const topic of topics) {
  await import(`./${topic}.mjs`)
}

const unique = (list) => [...new Set(list)]
await test('no page asked another host for anything', async () => assert.deepEqual(unique(foreign), []))
await test('no page wrote an error to the console', async () => assert.deepEqual(unique(errors), []))
await finish()
