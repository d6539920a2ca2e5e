import { describe, expect, it } from 'vitest'
import { hostOf, readRemote, tileCount, type TileHost } from './remote'

const host: TileHost = { host: 'tiles.example.org', attribution: null, has_key: true, http: false, most_tiles: 1000 }
const address = 'https://tiles.example.org/{z}/{x}/{y}.jpg?key={key}'
const read = (template: string, rest: { area?: string; zoom?: string; credit?: string; first?: boolean } = {}) =>
  readRemote({ template, area: rest.area ?? '30.0, 50.0, 30.01, 50.01', zoom: rest.zoom ?? '16' }, rest.credit ?? '© Somebody', [host], rest.first ?? true)

describe('tiles of another server', () => {
  it('are asked for by address, area and zoom', () => {
    expect(read(` ${address} `)).toEqual({ remote: { template: address, area: [30, 50, 30.01, 50.01], zoom: 16 }, faults: {} })
    expect(hostOf('http://Tiles.Example.org:8443/a/{z}')).toBe('tiles.example.org:8443')
  })

  it('come from hosts that the operator allows, as the operator allows it', () => {
    expect(read('https://elsewhere.org/{z}/{x}/{y}.png').faults).toEqual({ template: 'remote.host_unknown' })
    expect(read('http://tiles.example.org/{z}/{x}/{y}.png').faults).toEqual({ template: 'remote.https' })
    expect(read('https://user@tiles.example.org/{z}/{x}/{y}').faults).toEqual({ template: 'remote.template_wrong' })
    expect(read('https://tiles.example.org/{z}/{x}.png').faults).toEqual({ template: 'remote.template_wrong' })
    expect(read('https://tiles.example.org/{z}/{x}/{-y}.png').faults).toEqual({})
  })

  it('need a place and a zoom only where no picture gives them', () => {
    expect(read(address, { area: '', zoom: '' }).faults).toEqual({ area: 'remote.area_missing', zoom: 'remote.zoom_wrong' })
    expect(read(address, { area: '', zoom: '', first: false })).toEqual({ remote: { template: address }, faults: {} })
    expect(read(address, { area: '31,50,30,51' }).faults).toEqual({ area: 'remote.area_wrong' })
    expect(read(address, { zoom: '17.5' }).faults).toEqual({ zoom: 'remote.zoom_wrong' })
  })

  it('are never more than the host gives, and never without a credit line', () => {
    expect(tileCount([-180, -85, 180, 85], 0)).toBeGreaterThanOrEqual(1)
    expect(read(address, { area: '30,50,31,51' }).faults).toEqual({ zoom: 'remote.too_many' })
    expect(read(address, { credit: ' ' }).faults).toEqual({ attribution: 'remote.attribution_missing' })
    expect(readRemote({ template: address, area: '', zoom: '' }, '', [{ ...host, attribution: '© Theirs' }], false).faults).toEqual({})
  })
})
