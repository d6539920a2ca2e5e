// A server of the tests' own, with the demo or empty: started, killed without warning, started again on the same address and data.
import { spawn, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const READY_MS = Number(process.env.AFTERMAP_READY_MS ?? 300_000)

/** A value of a campaign file. */
const toml = (value) => (typeof value === 'object' ? `{ ${Object.entries(value).map(([key, one]) => `${key} = ${toml(one)}`).join(', ')} }` : JSON.stringify(value))

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  return port
}

export class DemoServer {
  #process = null
  #more = []
  log = ''

  /** A server with the demo campaigns, or, with `serve`, one with nobody and nothing in it; `more` are settings of its own. */
  static async start(binary, verb = 'demo', more = []) {
    const server = new DemoServer()
    server.#more = more
    server.binary = binary
    server.data = mkdtempSync(join(tmpdir(), 'aftermap-browser-'))
    server.listen = `127.0.0.1:${await freePort()}`
    server.url = `http://${server.listen}`
    const prepared = verb === 'demo' && process.env.AFTERMAP_DEMO_DATA
    if (prepared) cpSync(prepared, server.data, { recursive: true })
    await server.#run(prepared ? 'serve' : verb)
    return server
  }

  /** Adds a coordinator of the demo campaigns; returns name and password. */
  coordinator = (campaign, name = 'browser-test') => this.account(name, 'coordinator', campaign)

  /** Adds somebody with a role in a campaign, or of the whole server; returns name and password. */
  account(name, role, campaign) {
    const password = crypto.randomUUID()
    execFileSync(this.binary, ['user', 'create', '--data', this.data, '--name', name, '--role', role, ...(campaign ? ['--campaign', campaign] : []), '--password-stdin'], { input: password, stdio: ['pipe', 'ignore', 'inherit'] })
    return { name, password }
  }

  /** Lets made-up volunteers who look at the town as it is label a campaign until so many tiles are closed. */
  async simulate(campaign, closed, people = 16) {
    // With answers of its own making the crowd would miss the demo's gold, and nothing would settle.
    const truth = join(this.data, 'demo', 'synthetic_town_truth.csv')
    const crowd = spawn(this.binary, ['simulate', '--url', this.url, '--campaign', campaign, '--volunteers', `${people}`, '--seed', '5', '--truth', truth], { stdio: ['ignore', 'pipe', 'pipe'] })
    let words = ''
    for (const stream of [crowd.stdout, crowd.stderr]) stream.on('data', (bytes) => (words += bytes))
    const until = Date.now() + READY_MS
    let now = 0
    while (now < closed && Date.now() < until && crowd.exitCode === null) {
      await new Promise((wake) => setTimeout(wake, 300))
      now = this.closed(campaign)
    }
    crowd.kill('SIGKILL')
    if (now < closed) throw new Error(`${now} of ${closed} tiles of ${campaign} are closed\n${words}`)
  }

  /** What the database file itself says: the rows that a statement selects, each a list. Independent of all our code. */
  sql(statement, ...values) {
    const read = 'import json, sqlite3, sys\nfile = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)\nprint(json.dumps(file.execute(sys.argv[2], json.loads(sys.argv[3])).fetchall()))'
    return JSON.parse(execFileSync('python3', ['-c', read, join(this.data, 'aftermap.sqlite'), statement, JSON.stringify(values)], { encoding: 'utf8', maxBuffer: 1 << 26 }))
  }

  /** Closed tiles of a campaign, gold aside; everybody else is told ten minutes later. */
  closed = (campaign) => this.sql("SELECT COUNT(*) FROM queue JOIN campaigns ON campaigns.id = campaign_id WHERE slug = ? AND queue.state <> 'open' AND gold IS NULL", campaign)[0][0]

  /** Changes the policy of a campaign while the server runs, as its coordinator would with a campaign file. */
  setPolicy(campaign, policy) {
    const file = join(this.data, 'policy.toml')
    const settings = Object.entries(policy).map(([key, value]) => `${key} = ${toml(value)}\n`)
    writeFileSync(file, `slug = ${JSON.stringify(campaign)}\n[policy]\n${settings.join('')}`)
    execFileSync(this.binary, ['campaign', 'apply', file, '--data', this.data], { stdio: ['ignore', 'ignore', 'inherit'] })
  }

  /** As a power cut would: no goodbye. */
  async kill() {
    const gone = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await gone
  }
  restart = () => this.#run('serve')

  async stop() {
    await this.kill().catch(() => undefined)
    rmSync(this.data, { recursive: true, force: true })
  }

  async #run(verb) {
    this.#process = spawn(this.binary, [verb, '--data', this.data, '--listen', this.listen, ...this.#more], { env: { ...process.env, NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#process.stdout, this.#process.stderr]) stream.on('data', (text) => (this.log += text))
    const until = Date.now() + READY_MS
    while (Date.now() < until && this.#process.exitCode === null) {
      if (await fetch(`${this.url}/readyz`).then((reply) => reply.ok, () => false)) return
      await new Promise((wake) => setTimeout(wake, 200))
    }
    throw new Error(`the server did not get ready:\n${this.log.slice(-4000)}`)
  }
}
