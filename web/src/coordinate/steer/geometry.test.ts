import { describe, expect, it } from 'vitest'
import { readGeometry, rectangle } from './geometry'

const ring = [[0, 0], [1, 0], [1, 1], [0, 0]]
const polygon = { type: 'Polygon', coordinates: [ring] }

describe('an outline that was written', () => {
  it('is read from a geometry, a feature or a collection', () => {
    for (const json of [polygon, { type: 'Feature', properties: {}, geometry: polygon }, { type: 'FeatureCollection', features: [{ type: 'Feature', geometry: polygon }] }])
      expect(readGeometry(JSON.stringify(json))).toEqual(polygon)
  })
  it('becomes several polygons where there are several', () => {
    const both = { type: 'FeatureCollection', features: [{ type: 'Feature', geometry: polygon }, { type: 'Feature', geometry: polygon }] }
    expect(readGeometry(JSON.stringify(both))?.type).toBe('MultiPolygon')
  })
  it('is nothing where it is no area', () => {
    for (const text of ['', 'x', '{}', 'null', '{"type":"Point","coordinates":[1,2]}', '{"type":"Polygon","coordinates":[[[0,0],[1,1]]]}', '{"type":"Polygon","coordinates":[[["a",0],[1,0],[1,1],[0,0]]]}'])
      expect(readGeometry(text), text).toBeNull()
  })
})

describe('a rectangle between two corners', () => {
  it('is closed, and nothing where the corners are the wrong way round', () => {
    expect(rectangle(1, 2, 3, 4)?.coordinates[0]).toHaveLength(5)
    expect(rectangle(3, 2, 1, 4)).toBeNull()
    expect(rectangle(NaN, 2, 3, 4)).toBeNull()
  })
})
