// The service worker: opens the page without a network, and keeps the images of tiles in hand. Answers of the server are never kept here.
// The build puts the files of the shell, and a version made from their names, in place of the two constants.
/* global self, caches, fetch, Request, URL, Response, setTimeout */
const VERSION = '__VERSION__'
const FILES = ['__FILES__']

const SHELL = `shell-${VERSION}`
const IMAGES = 'images'
/** Image tiles kept: 5 tiles in hand of a timeline with a dozen dates. */
const MOST_IMAGES = 600
/** How long a slow line may take before the kept page is shown instead. */
const PATIENCE_MS = 4000

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: 'no-cache' })))).then(() => self.skipWaiting()))
})

self.addEventListener('activate', (event) => {
  const old = (name) => name.startsWith('shell-') && name !== SHELL
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name)))).then(() => self.clients.claim()))
})

// The page names what it loaded before this worker was there: its language above all.
self.addEventListener('message', (event) => {
  if (!Array.isArray(event.data)) return
  event.waitUntil(caches.open(SHELL).then((cache) => Promise.all(event.data.map((file) => cache.match(file).then((known) => known || cache.add(file).catch(() => undefined))))))
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== self.location.origin) return
  if (request.mode === 'navigate' && url.pathname === '/') event.respondWith(page(request))
  else if (url.pathname.startsWith('/tiles/')) event.respondWith(image(request))
  else if (url.pathname.startsWith('/assets/')) event.respondWith(asset(request))
  else if (FILES.includes(url.pathname)) event.respondWith(fresh(request))
})

/** The page as the server has it now; as it was last time when that takes too long or fails. */
async function page(request) {
  const cache = await caches.open(SHELL)
  const kept = () => cache.match('/')
  const asked = fetch(request).then(async (reply) => {
    if (reply.ok && new URL(request.url).pathname === '/') await cache.put('/', reply.clone())
    return reply
  })
  const late = new Promise((resolve) => setTimeout(() => resolve(kept()), PATIENCE_MS))
  try {
    return (await Promise.race([asked, late])) ?? (await asked)
  } catch {
    return (await kept()) ?? Response.error()
  }
}

/** Files without a hash in their name. */
async function fresh(request) {
  try {
    return await fetch(request)
  } catch {
    return (await caches.match(request)) ?? Response.error()
  }
}

/** Files whose name changes with their content: once is enough. */
async function asset(request) {
  const kept = await caches.match(request)
  if (kept) return kept
  const reply = await fetch(request)
  if (reply.ok) await (await caches.open(SHELL)).put(request, reply.clone())
  return reply
}

/** Image tiles never change under their address. Signing out deletes them all. */
async function image(request) {
  const cache = await caches.open(IMAGES)
  const kept = await cache.match(request)
  if (kept) return kept
  const reply = await fetch(request)
  if (reply.status === 200) {
    const copy = reply.clone()
    cache.put(request, copy).then(() => trim(cache)).catch(() => undefined)
  }
  return reply
}

let puts = 0
async function trim(cache) {
  puts += 1
  if (puts % 50 !== 1) return
  const keys = await cache.keys()
  await Promise.all(keys.slice(0, Math.max(0, keys.length - MOST_IMAGES)).map((key) => cache.delete(key)))
}
