//! What a refit leaves behind: one numbered model of the crowd and one skill a volunteer, both storable as bytes.

use super::bytes::{Reader, Unreadable, Writer};
use super::tile::Shape;
use crate::domain::scale::Scale;

/// First byte of every stored model and skill; rises when the layout changes.
const LAYOUT: u8 = 1;

/// What the model knows about one volunteer.
#[derive(Debug, Clone, PartialEq)]
pub struct Skill {
    /// Weight of a label: 1 never errs, 0 counts for nothing. All 1 in model 0.
    pub weight: f64,
    /// Share of agreement with the consensus of the same tiles, smoothed towards the crowd.
    pub accuracy: f64,
    /// Labels that speak about damage, seen by the fit.
    pub labels: u32,
    /// Of these, labels on check gold.
    pub gold_labels: u32,
    /// Of these, right ones.
    pub gold_correct: u32,
    /// Mean signed error in classes against the consensus: above 0 calls damage too gravely.
    pub bias: f64,
    /// Ring of accounts whose labels together weigh as one; 0 for none.
    pub ring: u32,
    /// Why the labels weigh nothing for now.
    pub quarantine: Option<Quarantine>,
    /// ln P(answer | class), `[answer][class]`, for the answers that speak about damage; empty in methods without it.
    pub table: Vec<f32>,
}

/// Why a volunteer's labels weigh nothing for now. Reversible: the next model judges anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quarantine {
    /// No better than guessing on check gold.
    Gold,
    /// Nearly always the same answer where others differ.
    Constant,
    /// Far faster than the crowd.
    Hasty,
}

impl Quarantine {
    const ALL: [Quarantine; 3] = [Quarantine::Gold, Quarantine::Constant, Quarantine::Hasty];

    /// The reason in one word, for files and screens.
    pub fn key(self) -> &'static str {
        match self {
            Quarantine::Gold => "gold",
            Quarantine::Constant => "constant",
            Quarantine::Hasty => "hasty",
        }
    }
}

impl Skill {
    /// A volunteer of whom nothing is known, with this weight and accuracy.
    pub fn blank(weight: f64, accuracy: f64) -> Skill {
        Skill {
            weight,
            accuracy,
            labels: 0,
            gold_labels: 0,
            gold_correct: 0,
            bias: 0.0,
            ring: 0,
            quarantine: None,
            table: Vec::new(),
        }
    }

    /// The skill as one database cell.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(LAYOUT);
        self.write(&mut out);
        out.0
    }

    /// Reads [`Skill::to_bytes`].
    ///
    /// # Errors
    /// When the bytes are cut, damaged or of another layout.
    pub fn from_bytes(bytes: &[u8]) -> Result<Skill, Unreadable> {
        let mut reader = Reader(bytes);
        layout(&mut reader)?;
        let skill = Skill::read(&mut reader)?;
        reader.end()?;
        Ok(skill)
    }

    fn write(&self, out: &mut Writer) {
        out.f64(self.weight);
        out.f64(self.accuracy);
        out.u32(self.labels);
        out.u32(self.gold_labels);
        out.u32(self.gold_correct);
        out.f64(self.bias);
        out.u32(self.ring);
        out.u8(self.quarantine.map_or(0, |reason| reason as u8 + 1));
        out.list(&self.table, |out, &cell| out.f32(cell));
    }

    fn read(from: &mut Reader<'_>) -> Result<Skill, Unreadable> {
        Ok(Skill {
            weight: from.f64().and_then(|w| if (0.0..=1.0).contains(&w) { Ok(w) } else { Err(Unreadable) })?,
            accuracy: from.f64()?,
            labels: from.u32()?,
            gold_labels: from.u32()?,
            gold_correct: from.u32()?,
            bias: from.f64()?,
            ring: from.u32()?,
            quarantine: match from.u8()? {
                0 => None,
                place => Some(*Quarantine::ALL.get(usize::from(place) - 1).ok_or(Unreadable)?),
            },
            table: from.list(Reader::f32)?,
        })
    }
}

/// The numbered outcome of a refit, without the volunteers. Frozen once made.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// 0 before the first refit, then rising by one.
    pub number: u32,
    /// Version of the method that fitted it; 0 in model 0.
    pub version: u32,
    /// Whether gold allows the consensus to be published: false where it is right on too few gold tiles.
    pub identifiable: bool,
    /// Check gold tiles with labels that the fit saw.
    pub gold_tiles: u32,
    /// Share of them that the labels alone call rightly; `None` without gold.
    pub gold_accuracy: Option<f64>,
    /// Share of each class in the campaign; they sum to 1.
    pub prior: Vec<f64>,
    /// Weight of the confusion posterior against the weighted share in the pool, 0 to 1.
    pub posterior_share: f64,
    /// How alike the errors of different volunteers on one tile are, 0 (independent) to 1: `n` votes say as much as
    /// `n / (1 + (n - 1) correlation)` independent ones.
    pub correlation: f64,
    /// Calibration on gold: (probability that the pool gives a class it calls, share of such calls that are right),
    /// rising; empty without enough gold.
    pub calibration: Vec<(f64, f64)>,
    /// The crowd's average volunteer: how labels of volunteers unknown to the model count.
    pub average: Skill,
}

impl Model {
    /// Model 0: before any refit all weights are 1.
    pub fn zero(scale: &Scale) -> Model {
        let classes = Shape::of(scale).classes;
        Model {
            number: 0,
            version: 0,
            identifiable: true,
            gold_tiles: 0,
            gold_accuracy: None,
            prior: vec![1.0 / classes as f64; classes],
            posterior_share: 0.0,
            correlation: 0.0,
            calibration: Vec::new(),
            average: Skill::blank(1.0, 1.0),
        }
    }

    /// The model as one database cell.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(LAYOUT);
        out.u32(self.number);
        out.u32(self.version);
        out.u8(u8::from(self.identifiable));
        out.u32(self.gold_tiles);
        out.f64(self.gold_accuracy.unwrap_or(-1.0));
        out.list(&self.prior, |out, &share| out.f64(share));
        out.f64(self.posterior_share);
        out.f64(self.correlation);
        out.list(&self.calibration, |out, &(from, to)| {
            out.f64(from);
            out.f64(to);
        });
        self.average.write(&mut out);
        out.0
    }

    /// Reads [`Model::to_bytes`].
    ///
    /// # Errors
    /// When the bytes are cut, damaged or of another layout.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model, Unreadable> {
        let mut reader = Reader(bytes);
        layout(&mut reader)?;
        let model = Model {
            number: reader.u32()?,
            version: reader.u32()?,
            identifiable: reader.u8()? != 0,
            gold_tiles: reader.u32()?,
            gold_accuracy: Some(reader.f64()?).filter(|share| *share >= 0.0),
            prior: reader.list(Reader::f64)?,
            posterior_share: reader.f64()?,
            correlation: reader.f64()?,
            calibration: reader.list(|reader| Ok((reader.f64()?, reader.f64()?)))?,
            average: Skill::read(&mut reader)?,
        };
        reader.end()?;
        Ok(model)
    }
}

fn layout(reader: &mut Reader<'_>) -> Result<(), Unreadable> {
    if reader.u8()? == LAYOUT { Ok(()) } else { Err(Unreadable) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn skill() -> Skill {
        let table = vec![-0.1, -2.5, -3.0e-7];
        Skill { labels: 7, ring: 2, quarantine: Some(Quarantine::Hasty), table, ..Skill::blank(0.83, 0.9) }
    }

    #[test]
    fn skills_and_models_come_back_to_the_bit() {
        let skill = skill();
        assert_eq!(Skill::from_bytes(&skill.to_bytes()).as_ref(), Ok(&skill));
        let scale = Scale::built_in("jds4").unwrap();
        let model = Model {
            number: 3,
            gold_accuracy: Some(0.7),
            calibration: vec![(0.5, 0.6)],
            average: skill,
            ..Model::zero(&scale)
        };
        assert_eq!(Model::from_bytes(&model.to_bytes()), Ok(model));
    }

    #[test]
    fn cut_or_longer_bytes_are_refused() {
        let bytes = skill().to_bytes();
        for end in 0..bytes.len() {
            assert_eq!(Skill::from_bytes(&bytes[..end]), Err(Unreadable), "{end} bytes");
        }
        assert_eq!(Skill::from_bytes(&[bytes, vec![0]].concat()), Err(Unreadable));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Skill::from_bytes(&bytes);
            let _ = Model::from_bytes(&bytes);
        }
    }
}
