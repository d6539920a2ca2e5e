// Starts the service worker where there can be one (https, or this machine itself); on plain http the page works without.

export function registerWorker(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  const workers = navigator.serviceWorker
  void workers
    .register('/sw.js')
    .then(() => workers.ready)
    .then(({ active }) => {
      const loaded = performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)
      active?.postMessage([...new Set(loaded.filter((path) => path.startsWith('/assets/')))])
    })
    .catch(() => undefined)
}
