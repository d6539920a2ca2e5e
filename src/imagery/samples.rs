//! Samples of any kind (8 to 64 bits, signed, floating) as 8-bit colour: one stretch for the whole scene.

/// What the numbers of a picture are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers from 0.
    Unsigned(u16),
    /// Whole numbers of either sign.
    Signed(u16),
    /// Floating-point numbers.
    Float(u16),
}

impl Kind {
    /// From the numbers of the TIFF tags SampleFormat and BitsPerSample.
    pub fn new(format: u16, bits: u16) -> Result<Kind, String> {
        match (format, bits) {
            (1, 8 | 16 | 32 | 64) => Ok(Kind::Unsigned(bits)),
            (2, 8 | 16 | 32 | 64) => Ok(Kind::Signed(bits)),
            (3, 32 | 64) => Ok(Kind::Float(bits)),
            _ => Err(format!(
                "its samples (format {format}, {bits} bits) cannot be read; rewrite them: \
                 gdal_translate -ot Float32 in.tif out.tif"
            )),
        }
    }

    /// Bytes of one sample.
    pub fn bytes(self) -> usize {
        let (Kind::Unsigned(bits) | Kind::Signed(bits) | Kind::Float(bits)) = self;
        usize::from(bits / 8)
    }

    /// Whether the numbers are levels already: 0 to 255.
    pub fn is_byte(self) -> bool {
        self == Kind::Unsigned(8)
    }

    /// The number that means "fully there" in a band of alpha.
    pub fn full(self) -> f32 {
        match self {
            Kind::Unsigned(bits) => 2f32.powi(bits.into()) - 1.0,
            Kind::Signed(bits) => 2f32.powi(i32::from(bits) - 1) - 1.0,
            Kind::Float(_) => 1.0,
        }
    }

    /// In words: `16-bit unsigned`.
    pub fn describe(self) -> String {
        match self {
            Kind::Unsigned(bits) => format!("{bits}-bit"),
            Kind::Signed(bits) => format!("signed {bits}-bit"),
            Kind::Float(bits) => format!("{bits}-bit floating-point"),
        }
    }
}

/// One band inside a buffer of native-endian samples.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// The buffer, pixel by pixel.
    pub bytes: &'a [u8],
    /// Samples of one pixel.
    pub stride: usize,
    /// The band's place among them.
    pub place: usize,
}

impl Plane<'_> {
    /// The numbers of some pixels. What the buffer does not hold becomes NaN: no picture.
    pub fn fill(&self, kind: Kind, first: usize, numbers: &mut [f32]) {
        match kind {
            Kind::Unsigned(8) => self.each(first, numbers, |b: [u8; 1]| f32::from(b[0])),
            Kind::Unsigned(16) => self.each(first, numbers, |b| f32::from(u16::from_ne_bytes(b))),
            Kind::Unsigned(32) => self.each(first, numbers, |b| u32::from_ne_bytes(b) as f32),
            Kind::Unsigned(_) => self.each(first, numbers, |b| u64::from_ne_bytes(b) as f32),
            Kind::Signed(8) => self.each(first, numbers, |b: [u8; 1]| f32::from(b[0] as i8)),
            Kind::Signed(16) => self.each(first, numbers, |b| f32::from(i16::from_ne_bytes(b))),
            Kind::Signed(32) => self.each(first, numbers, |b| i32::from_ne_bytes(b) as f32),
            Kind::Signed(_) => self.each(first, numbers, |b| i64::from_ne_bytes(b) as f32),
            Kind::Float(32) => self.each(first, numbers, f32::from_ne_bytes),
            Kind::Float(_) => self.each(first, numbers, |b| f64::from_ne_bytes(b) as f32),
        }
    }

    #[inline(always)]
    fn each<const N: usize>(&self, first: usize, numbers: &mut [f32], number: impl Fn([u8; N]) -> f32) {
        let from = (first * self.stride + self.place) * N;
        let mut left = self.bytes.get(from..).unwrap_or_default();
        for out in numbers {
            *out = left.first_chunk::<N>().map_or(f32::NAN, |bytes| number(*bytes));
            left = left.get(self.stride * N..).unwrap_or_default();
        }
    }
}

/// The numbers that become black and white; what lies between follows in a straight line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// Becomes 0.
    pub low: f32,
    /// Becomes 255.
    pub high: f32,
}

impl Levels {
    /// Bytes as they are.
    pub const BYTES: Levels = Levels { low: 0.0, high: 255.0 };

    /// The level of a number.
    #[inline(always)]
    fn of(self, number: f32, gain: f32) -> u8 {
        // A cast from floating point saturates, and makes 0 of what is no number.
        ((number - self.low) * gain + 0.5) as u8
    }

    fn gain(self) -> f32 {
        255.0 / (self.high - self.low)
    }
}

/// How numbers become colours and validity.
#[derive(Debug, Clone)]
pub struct Painting {
    /// What the samples are.
    pub kind: Kind,
    /// Stretch of red, green and blue, or of grey three times.
    pub levels: [Levels; 3],
    /// The number that means "no picture" when all colours have it.
    pub nodata: Option<f32>,
    /// The number of a fully valid pixel in the alpha band, and whether colours are multiplied by alpha.
    pub alpha: Option<(f32, bool)>,
}

impl Painting {
    /// Red, green, blue and straight alpha of a window with rows of `width` pixels. One plane is grey, three are
    /// colours.
    pub fn paint(&self, colours: &[Plane<'_>], alpha: Option<Plane<'_>>, width: usize, pixels: usize) -> Vec<u8> {
        if let Some(data) = self.plain(colours, alpha, pixels) {
            return data;
        }
        let mut data = vec![0u8; pixels * 4];
        let mut rows: Vec<Vec<f32>> = colours.iter().map(|_| vec![0.0; width]).collect();
        let mut valid = vec![0.0; width];
        for (row, out) in data.chunks_exact_mut(width * 4).enumerate() {
            for (plane, numbers) in colours.iter().zip(&mut rows) {
                plane.fill(self.kind, row * width, numbers);
            }
            if let Some(plane) = alpha {
                plane.fill(self.kind, row * width, &mut valid);
            }
            self.row(&rows, alpha.map(|_| valid.as_slice()), out);
        }
        data
    }

    fn row(&self, rows: &[Vec<f32>], alpha: Option<&[f32]>, out: &mut [u8]) {
        let gains = self.levels.map(Levels::gain);
        let (full, premultiplied) = self.alpha.unwrap_or((1.0, false));
        let places = if rows.len() < 3 { [0, 0, 0] } else { [0, 1, 2] };
        for (at, pixel) in out.chunks_exact_mut(4).enumerate() {
            let numbers = places.map(|place| rows[place][at]);
            let there = |number: f32| number.is_finite() && Some(number) != self.nodata;
            if !numbers.iter().any(|number| there(*number)) {
                continue;
            }
            let share = alpha.map_or(1.0, |alpha| alpha[at] / full);
            let by = if premultiplied && share > 0.0 { 1.0 / share } else { 1.0 };
            for i in 0..3 {
                pixel[i] = self.levels[i].of(numbers[i] * by, gains[i]);
            }
            pixel[3] = (share * 255.0 + 0.5) as u8;
        }
    }

    /// The usual case in a fraction of the time: bytes of red, green and blue side by side, all of them valid.
    fn plain(&self, colours: &[Plane<'_>], alpha: Option<Plane<'_>>, pixels: usize) -> Option<Vec<u8>> {
        let [first, second, third] = colours else { return None };
        let usual = self.kind.is_byte() && self.levels == [Levels::BYTES; 3] && self.nodata.is_none();
        let side_by_side = [first.place, second.place, third.place] == [0, 1, 2];
        if !usual || alpha.is_some() || !side_by_side || first.bytes.len() < pixels * first.stride {
            return None;
        }
        let mut data = vec![255u8; pixels * 4];
        for (out, pixel) in data.chunks_exact_mut(4).zip(first.bytes.chunks_exact(first.stride)) {
            out[..3].copy_from_slice(&pixel[..3]);
        }
        Some(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(bytes: &[u8], stride: usize, place: usize) -> Plane<'_> {
        Plane { bytes, stride, place }
    }

    #[test]
    fn every_kind_of_number_is_read() {
        let mut out = [0.0];
        let mut read = |kind: Kind, bytes: &[u8]| {
            plane(bytes, 1, 0).fill(kind, 0, &mut out);
            out[0]
        };
        assert_eq!(read(Kind::Unsigned(16), &60_000u16.to_ne_bytes()), 60_000.0);
        assert_eq!(read(Kind::Signed(16), &(-5i16).to_ne_bytes()), -5.0);
        assert_eq!(read(Kind::Signed(8), &[0xff]), -1.0);
        assert_eq!(read(Kind::Unsigned(32), &7u32.to_ne_bytes()), 7.0);
        assert_eq!(read(Kind::Float(64), &0.25f64.to_ne_bytes()), 0.25);
        assert!(read(Kind::Float(32), &[1, 2]).is_nan(), "what is cut short is no picture");
    }

    #[test]
    fn numbers_are_stretched_between_the_levels_and_nodata_is_empty() {
        let bytes: Vec<u8> = [0u16, 100, 150, 200, 9_999].iter().flat_map(|v| v.to_ne_bytes()).collect();
        let levels = Levels { low: 100.0, high: 200.0 };
        let painting = Painting { kind: Kind::Unsigned(16), levels: [levels; 3], nodata: Some(9_999.0), alpha: None };
        let data = painting.paint(&[plane(&bytes, 1, 0)], None, 5, 5);
        let greys: Vec<(u8, u8)> = data.chunks(4).map(|pixel| (pixel[1], pixel[3])).collect();
        assert_eq!(greys, [(0, 255), (0, 255), (128, 255), (255, 255), (0, 0)]);
    }

    #[test]
    fn a_pixel_is_empty_only_where_all_its_colours_are_nodata() {
        let painting = Painting { kind: Kind::Unsigned(8), levels: [Levels::BYTES; 3], nodata: Some(0.0), alpha: None };
        let bytes = [0, 0, 0, 0, 7, 0];
        let planes = [plane(&bytes, 3, 0), plane(&bytes, 3, 1), plane(&bytes, 3, 2)];
        assert_eq!(painting.paint(&planes, None, 2, 2), [0, 0, 0, 0, 0, 7, 0, 255]);
    }

    #[test]
    fn alpha_is_kept_and_colours_multiplied_by_it_are_restored() {
        let bytes = [50, 100, 7, 0];
        let painting =
            Painting { kind: Kind::Unsigned(8), levels: [Levels::BYTES; 3], nodata: None, alpha: Some((255.0, true)) };
        let data = painting.paint(&[plane(&bytes, 2, 0)], Some(plane(&bytes, 2, 1)), 2, 2);
        assert_eq!(data, [128, 128, 128, 100, 7, 7, 7, 0]);
    }

    #[test]
    fn plain_bytes_are_copied() {
        let bytes = [1, 2, 3, 9, 4, 5, 6, 9];
        let painting = Painting { kind: Kind::Unsigned(8), levels: [Levels::BYTES; 3], nodata: None, alpha: None };
        let planes = [plane(&bytes, 4, 0), plane(&bytes, 4, 1), plane(&bytes, 4, 2)];
        assert_eq!(painting.paint(&planes, None, 2, 2), [1, 2, 3, 255, 4, 5, 6, 255]);
        let turned = [planes[2], planes[1], planes[0]];
        assert_eq!(painting.paint(&turned, None, 2, 2), [3, 2, 1, 255, 6, 5, 4, 255]);
    }
}
