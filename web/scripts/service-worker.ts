// Puts the list of the page's own files into the service worker and adds it to the build as /sw.js.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Plugin } from 'vite'

/** Screens that must open without a network; what they import is kept too. The results map and the coordinator's pages are not. */
const OFFLINE = ['/label/LabelPage.svelte', '/training/TrainingPage.svelte', '/training/Guide.svelte']
const PUBLIC = ['/', '/theme.js', '/favicon.svg', '/manifest.webmanifest']

export function serviceWorker(): Plugin {
  return {
    name: 'service-worker',
    apply: 'build',
    generateBundle(_options, bundle) {
      const files = new Set<string>()
      const collect = (name: string) => {
        const chunk = bundle[name]
        if (chunk?.type !== 'chunk' || files.has(name)) return
        files.add(name)
        for (const style of chunk.viteMetadata?.importedCss ?? []) files.add(style)
        chunk.imports.forEach(collect)
      }
      for (const chunk of Object.values(bundle)) {
        if (chunk.type === 'chunk' && (chunk.isEntry || OFFLINE.some((page) => chunk.facadeModuleId?.endsWith(page)))) collect(chunk.fileName)
      }
      const list = [...PUBLIC, ...[...files].sort().map((file) => `/${file}`)]
      const template = readFileSync(new URL('../src/offline/worker.js', import.meta.url), 'utf8')
      const version = createHash('sha256').update(list.join('\n')).update(template).digest('hex').slice(0, 12)
      const source = template.replace('__VERSION__', version).replace("['__FILES__']", JSON.stringify(list))
      this.emitFile({ type: 'asset', fileName: 'sw.js', source })
    },
  }
}
