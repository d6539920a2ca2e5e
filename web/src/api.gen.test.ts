import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import openapiTS, { astToString, COMMENT_HEADER } from 'openapi-typescript'
import { expect, it } from 'vitest'

it('the client’s types are those of the committed description of the API', async () => {
  const description = new URL('../../openapi.json', import.meta.url)
  const fresh = COMMENT_HEADER + astToString(await openapiTS(description))
  const committed = readFileSync(fileURLToPath(new URL('./api.gen.ts', import.meta.url)), 'utf8')
  expect(committed === fresh, 'run `npm run gen` in web/ and commit the result').toBe(true)
}, 30_000)
