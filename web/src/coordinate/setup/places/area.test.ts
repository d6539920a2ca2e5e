import { describe, expect, it } from 'vitest'
import { boundsOf, boxArea, readArea, writeArea, type Area } from './area'

const TRIANGLE: Area = { type: 'Polygon', coordinates: [[[1, 1], [2, 1], [2, 3], [1, 1]]] }
const problem = (text: string) => {
  const read = readArea(text)
  return 'problem' in read ? read.problem : null
}
const area = (text: string) => {
  const read = readArea(text)
  return 'area' in read ? read.area : null
}

describe('the area of a campaign', () => {
  it('is a box of four numbers, however they are separated', () => {
    for (const text of ['-120.1, 35, -119.9, 35.2', '-120.1 35 -119.9 35.2', '-120.1;35;\n-119.9;35.2']) expect(area(text), text).toEqual(boxArea([-120.1, 35, -119.9, 35.2]))
  })

  it('is any GeoJSON that holds polygons', () => {
    const feature = { type: 'Feature', properties: {}, geometry: TRIANGLE }
    expect(area(JSON.stringify(TRIANGLE))).toEqual(TRIANGLE)
    expect(area(JSON.stringify(feature))).toEqual(TRIANGLE)
    const both = area(JSON.stringify({ type: 'FeatureCollection', features: [feature, feature] }))
    expect(both).toEqual({ type: 'MultiPolygon', coordinates: [TRIANGLE.coordinates, TRIANGLE.coordinates] })
  })

  it('says what is wrong with a text that is no area', () => {
    expect(problem('  ')).toBe('empty')
    expect(problem('1, 2, 3')).toBe('numbers')
    expect(problem('1, 2, x, 4')).toBe('numbers')
    expect(problem('5, 2, 3, 4')).toBe('order')
    expect(problem('1, 4, 3, 2')).toBe('order')
    expect(problem('-190, 2, 3, 4')).toBe('range')
    expect(problem('{"type": "Polygon"')).toBe('json')
    expect(problem('{"type": "Point", "coordinates": [1, 2]}')).toBe('no_polygon')
    expect(problem('{"type": "FeatureCollection", "features": []}')).toBe('no_polygon')
    expect(problem('{"type": "Polygon", "coordinates": [[[500000, 4000000], [1, 2], [3, 4], [500000, 4000000]]]}'), 'metres').toBe('range')
    expect(problem('{"type": "Polygon", "coordinates": [["a", "b"]]}')).toBe('range')
  })

  it('is written as it is read', () => {
    expect(writeArea(boxArea([1, 2, 3.25, 4]))).toBe('1, 2, 3.25, 4')
    expect(area(writeArea(boxArea([1, 2, 3.25, 4])))).toEqual(boxArea([1, 2, 3.25, 4]))
    expect(area(writeArea(TRIANGLE))).toEqual(TRIANGLE)
    expect(boundsOf(TRIANGLE)).toEqual([1, 1, 2, 3])
  })
})
