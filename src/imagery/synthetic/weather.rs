//! What differs from one acquisition to the next: the sun, the look of the sensor, clouds and their shadows.

use super::building::Sun;
use super::canvas::{Canvas, Look, mix, scale};
use super::noise::{fractal, step, unit};

/// The sun at the overpass of a date: late morning, so that shadows fall to the north-west; higher in summer.
pub fn sun(date: usize, season: f32, seed: u32) -> Sun {
    let wobble = unit(date as i32, 1, seed) - 0.5;
    let azimuth = (146.0 + wobble * 16.0f32).to_radians();
    let height = (44.0 + 16.0 * (season * std::f32::consts::PI).sin() + wobble * 4.0).to_radians();
    // Azimuth runs clockwise from north; y runs to the south.
    [azimuth.sin() * height.cos(), -azimuth.cos() * height.cos(), height.sin()]
}

/// Brightness, tint, haze and noise of a date.
pub fn look(date: usize, seed: u32) -> Look {
    let pick = |k: i32| unit(date as i32, k, seed ^ 0x100) - 0.5;
    let bright = 1.0 + pick(2) * 0.10;
    Look {
        gain: [bright * (1.0 + pick(3) * 0.05), bright, bright * (1.0 + pick(4) * 0.06)],
        contrast: 1.06 + pick(5) * 0.14,
        haze: [186.0, 194.0, 204.0],
        haze_share: 0.05 + (pick(6) + 0.5) * 0.05,
        noise: 9.0 + pick(7) * 4.0,
        seed: seed ^ (date as u32 + 3).wrapping_mul(7919),
    }
}

/// How far east and north of its place a picture lies, metres; the first lies right.
pub fn slide(date: usize, most: f32, seed: u32) -> (f64, f64) {
    if date == 0 {
        return (0.0, 0.0);
    }
    let pick = |k: i32| f64::from((unit(date as i32, k, seed ^ 0x400) * 2.0 - 1.0) * most);
    (pick(1), pick(2))
}

/// Darkens what lies in shade (first channel of `shadow`, 0 to 1); the sky still lights it, a little blue.
pub fn apply_shade(canvas: &mut Canvas, shadow: &Canvas) {
    for (pixel, shade) in canvas.pixels.iter_mut().zip(&shadow.pixels) {
        let dark = [pixel[0] * 0.44, pixel[1] * 0.48, pixel[2] * 0.56];
        *pixel = mix(*pixel, dark, shade[0]);
    }
}

/// One cloud: a heap of vapour some 50 to 110 m wide.
struct Cloud {
    x: f32,
    y: f32,
    radius: f32,
}

/// Draws some clouds over a finished picture, shadows first. They keep away from each other and from the border.
pub fn draw_clouds(canvas: &mut Canvas, size: f32, count: usize, sun: Sun, seed: u32) {
    let mut clouds: Vec<Cloud> = Vec::new();
    for attempt in 0..count * 40 {
        let pick = |k: i32| unit(attempt as i32, k, seed ^ 0x200);
        let radius = 25.0 + 30.0 * pick(0);
        let (x, y) = (size * (0.2 + 0.6 * pick(1)), size * (0.28 + 0.58 * pick(2)));
        let apart = clouds.iter().all(|other| (other.x - x).hypot(other.y - y) > (other.radius + radius) * 1.7);
        if clouds.len() < count && apart {
            clouds.push(Cloud { x, y, radius });
        }
    }
    let across = sun[0].hypot(sun[1]).max(1e-3);
    let away = (-sun[0] / across * 62.0, -sun[1] / across * 62.0);
    for cloud in &clouds {
        canvas.around(cloud.x + away.0, cloud.y + away.1, cloud.radius * 1.6, |pixel, x, y| {
            let density = thickness(cloud, x - away.0, y - away.1, seed);
            *pixel = mix(*pixel, scale(*pixel, 0.5), step(0.05, 0.6, density));
        });
    }
    for cloud in &clouds {
        canvas.around(cloud.x, cloud.y, cloud.radius * 1.6, |pixel, x, y| {
            let density = thickness(cloud, x, y, seed);
            let toward = thickness(cloud, x + sun[0] * 9.0, y + sun[1] * 9.0, seed);
            let light = 236.0 + (density - toward).clamp(-0.35, 0.25) * 60.0;
            *pixel = mix(*pixel, [light, light + 1.0, light + 4.0], step(0.02, 0.42, density) * 0.985);
        });
    }
}

fn thickness(cloud: &Cloud, x: f32, y: f32, seed: u32) -> f32 {
    let distance = (x - cloud.x).hypot((y - cloud.y) * 1.15) / cloud.radius;
    1.05 - distance * 0.95 + (fractal(x / 24.0, y / 24.0, 5, seed ^ 0x300) - 0.5) * 1.7
}
