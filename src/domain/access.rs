//! Who asks, and what they may do with a campaign. Pure rules; every room that shows or changes something asks here.

use super::campaign::{Campaign, CampaignState, ReleaseLevel, Visibility};
use super::release::Audience;
use super::second_factor::{SecondFactor, SecondFactorRule};
use super::volunteer::{Role, Volunteer};

/// What a credential may be used for. A browser session may do all that its owner may; a token only what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes {
    /// Act as the person themself: make tokens, have all that is stored about them, be deleted. No token that anybody
    /// asks for has it; that of a guest, who has nothing else, does.
    pub own: bool,
    /// Take tiles and hand in labels.
    pub label: bool,
    /// See and download what the owner's roles allow.
    pub read: bool,
    /// Use everything else that the owner's roles allow.
    pub manage: bool,
}

impl Scopes {
    /// Everything that the owner may do.
    pub const ALL: Scopes = Scopes { own: true, label: true, read: true, manage: true };

    /// Reads the words of a token (`label`, `read`, `manage`, `own`); unknown words allow nothing.
    pub fn parse(words: &str) -> Scopes {
        let has = |word: &str| words.split_whitespace().any(|other| other == word);
        Scopes { own: has("own"), label: has("label"), read: has("read"), manage: has("manage") }
    }

    /// Whether it changes nothing, whatever its owner may do.
    pub fn is_read_only(self) -> bool {
        !(self.own || self.label || self.manage)
    }
}

/// A person who is signed in, as the rules below see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who it is.
    pub volunteer: Volunteer,
    /// Their roles, each with its campaign's id.
    pub roles: Vec<(i64, Role)>,
    /// What the credential they came with may be used for.
    pub scopes: Scopes,
    /// When a password or a code was last given in their session; `None`: they came with a token. Milliseconds since 1970.
    pub proven_at: Option<i64>,
    /// How they stand with the second factor. Where it is missing, `volunteer` and `roles` are without what it would open.
    pub second_factor: SecondFactor,
}

/// How finely somebody sees a campaign's map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapGrain {
    /// Not at all.
    Nothing,
    /// In the area cells of the newest release ([`super::coarse`]).
    Cells,
    /// Tile by tile; what of each tile, [`super::damage_map::Sight`] says.
    Tiles,
}

/// Whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Viewer {
    /// Not signed in.
    Nobody,
    /// Signed in, with or without an account.
    Person(Person),
}

/// How long a password counts as just given, milliseconds: 15 minutes.
const PROVEN_MS: i64 = 15 * 60_000;

impl Person {
    /// Whether a mistake or a thief with their session could harm others: they run the server or a campaign, or may make one;
    /// or would, with a second factor.
    pub fn has_power(&self) -> bool {
        let coordinates = self.roles.iter().any(|(_, role)| *role == Role::Coordinator);
        self.volunteer.admin || self.volunteer.creator || coordinates || self.second_factor == SecondFactor::Missing
    }

    /// The same person under the operator's rule: who has power that wants a second factor, and has none, is a volunteer
    /// like any other until there is one.
    pub fn under(mut self, rule: SecondFactorRule) -> Person {
        let is_missing = self.has_power() && self.second_factor == SecondFactor::None;
        if rule == SecondFactorRule::Required && is_missing {
            self.second_factor = SecondFactor::Missing;
            (self.volunteer.admin, self.volunteer.creator) = (false, false);
            self.roles.iter_mut().for_each(|(_, role)| *role = Role::Volunteer);
        }
        self
    }

    /// Whether they gave their password lately. Who has none, a guest, need not.
    pub fn is_proven(&self, now: i64) -> bool {
        let lately = |at: i64| (at..=at + PROVEN_MS).contains(&now);
        self.is_guest() || self.proven_at.is_some_and(lately)
    }

    /// Whether they have no account.
    pub fn is_guest(&self) -> bool {
        self.volunteer.name.is_none()
    }

    /// The highest role in a campaign that this credential carries.
    fn role_in(&self, campaign: i64) -> Option<Role> {
        let held = self.roles.iter().filter(|(id, _)| *id == campaign).map(|(_, role)| *role).max()?;
        let carried = match self.scopes {
            Scopes { manage: true, .. } => Role::Coordinator,
            Scopes { read: true, .. } => Role::Researcher,
            _ => Role::Volunteer,
        };
        Some(held.min(carried))
    }
}

impl Viewer {
    /// The person, if anybody is signed in.
    pub fn person(&self) -> Option<&Person> {
        match self {
            Viewer::Nobody => None,
            Viewer::Person(person) => Some(person),
        }
    }

    /// The volunteer's id, if anybody is signed in.
    pub fn volunteer_id(&self) -> Option<i64> {
        self.person().map(|person| person.volunteer.id)
    }

    /// Whether they may do everything on this server.
    pub fn is_admin(&self) -> bool {
        self.person().is_some_and(|person| person.volunteer.admin && person.scopes.manage)
    }

    /// May make a campaign, whose coordinator they become: admins, and whom an admin gave that right.
    pub fn may_create(&self) -> bool {
        self.is_admin() || self.person().is_some_and(|person| person.volunteer.creator && person.scopes.manage)
    }

    /// The highest role in a campaign; admins count as coordinators everywhere, as far as their credential carries.
    pub fn role_in(&self, campaign: i64) -> Option<Role> {
        let person = self.person()?;
        let everywhere = match person.scopes {
            _ if !person.volunteer.admin => None,
            Scopes { manage: true, .. } => Some(Role::Coordinator),
            Scopes { read: true, .. } => Some(Role::Researcher),
            _ => None,
        };
        everywhere.max(person.role_in(campaign))
    }

    /// Whether they hold this role in a campaign, or a higher one.
    pub fn is_at_least(&self, role: Role, campaign: &Campaign) -> bool {
        self.role_in(campaign.id).is_some_and(|held| held >= role)
    }

    /// May know that the campaign exists. Drafts are seen by those who work on them; anything that is not public by
    /// those who were given a role.
    pub fn may_see(&self, campaign: &Campaign) -> bool {
        match (campaign.state, campaign.visibility) {
            (CampaignState::Draft, _) => self.is_at_least(Role::Reviewer, campaign),
            (_, Visibility::Public) => true,
            (_, Visibility::Invitation | Visibility::Private) => self.is_at_least(Role::Volunteer, campaign),
        }
    }

    /// May find it on the list of campaigns: archived ones are kept but not listed.
    pub fn may_list(&self, campaign: &Campaign) -> bool {
        self.may_see(campaign)
            && (campaign.state != CampaignState::Archived || self.is_at_least(Role::Coordinator, campaign))
    }

    /// May take tiles and hand in labels. Says nothing about whether the campaign is open.
    pub fn may_label(&self, campaign: &Campaign) -> bool {
        self.may_see(campaign) && self.person().is_some_and(|person| person.scopes.label)
    }

    /// May see the damage map tile by tile and download it.
    pub fn may_see_map(&self, campaign: &Campaign) -> bool {
        self.map_grain(campaign) == MapGrain::Tiles
    }

    /// How finely they see the map: the one question that every page, download and service of the map asks first.
    ///
    /// Below researcher, a coarsened campaign shows the cells of its newest release and nothing else.
    pub fn map_grain(&self, campaign: &Campaign) -> MapGrain {
        match campaign.release_level {
            _ if !self.may_see(campaign) => MapGrain::Nothing,
            _ if self.is_at_least(Role::Researcher, campaign) => MapGrain::Tiles,
            ReleaseLevel::Public => MapGrain::Tiles,
            ReleaseLevel::Coarsened => MapGrain::Cells,
            ReleaseLevel::Private => MapGrain::Nothing,
        }
    }

    /// May have a file of a release that was made at this level for this audience.
    pub fn may_have_released(&self, campaign: &Campaign, made: ReleaseLevel, audience: Audience) -> bool {
        let given_out = audience == Audience::Everybody && campaign.release_level.gives_out(made);
        self.may_see(campaign) && (given_out || self.is_at_least(Role::Researcher, campaign))
    }

    /// May see counts, answers and probabilities of tiles that are still open, and which tiles are check gold.
    pub fn may_see_open_tiles(&self, campaign: &Campaign) -> bool {
        self.is_at_least(Role::Reviewer, campaign)
    }

    /// May settle what the crowd could not, and what volunteers remark on: not with a token that may only read.
    pub fn may_review(&self, campaign: &Campaign) -> bool {
        self.may_see_open_tiles(campaign) && self.person().is_some_and(|person| person.scopes.manage)
    }

    /// May download every label, with pseudonyms.
    pub fn may_download_labels(&self, campaign: &Campaign) -> bool {
        self.is_at_least(Role::Researcher, campaign)
    }

    /// May draw samples and the like: not with a token that may only read.
    pub fn may_research(&self, campaign: &Campaign) -> bool {
        self.may_download_labels(campaign) && self.person().is_some_and(|person| person.scopes.manage)
    }

    /// May open, pause, close and watch it.
    pub fn may_coordinate(&self, campaign: &Campaign) -> bool {
        self.is_at_least(Role::Coordinator, campaign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::campaign::{CampaignKind, CampaignTexts, Surroundings, TileSource};
    use crate::domain::policy::Policy;
    use crate::domain::scale::Scale;

    fn campaign(state: CampaignState, visibility: Visibility, release_level: ReleaseLevel) -> Campaign {
        Campaign {
            id: 7,
            slug: "c7".into(),
            state,
            visibility,
            release_level,
            kind: CampaignKind::Pair,
            tile_source: TileSource::Cells,
            labelling_zoom: None,
            surroundings: Surroundings::default(),
            area: None,
            scale: Scale::built_in("conflict3").unwrap(),
            policy: Policy::default(),
            language: "en".into(),
            texts: CampaignTexts::default(),
            licence: None,
            synthetic: false,
            model: 0,
            pseudonym_key: vec![],
            created_at: 0,
            opened_at: None,
            closed_at: None,
            bounds: None,
        }
    }

    fn person(roles: &[(i64, Role)], scopes: Scopes) -> Viewer {
        let volunteer = Volunteer { id: 1, name: Some("layla".into()), admin: false, creator: false };
        let (proven_at, second_factor) = (None, SecondFactor::None);
        Viewer::Person(Person { volunteer, roles: roles.to_vec(), scopes, proven_at, second_factor })
    }

    #[test]
    fn a_private_campaign_is_invisible_without_a_role_in_that_very_campaign() {
        let hidden = campaign(CampaignState::Open, Visibility::Private, ReleaseLevel::Public);
        assert!(!Viewer::Nobody.may_see(&hidden));
        assert!(!person(&[(8, Role::Coordinator)], Scopes::ALL).may_see(&hidden));
        assert!(person(&[(7, Role::Volunteer)], Scopes::ALL).may_see(&hidden));
        assert!(!Viewer::Nobody.may_see_map(&hidden));
    }

    #[test]
    fn a_draft_is_seen_by_those_who_work_on_it() {
        let draft = campaign(CampaignState::Draft, Visibility::Public, ReleaseLevel::Public);
        assert!(!Viewer::Nobody.may_see(&draft));
        assert!(!person(&[(7, Role::Volunteer)], Scopes::ALL).may_see(&draft));
        assert!(person(&[(7, Role::Coordinator)], Scopes::ALL).may_see(&draft));
    }

    #[test]
    fn an_unreleased_map_is_for_researchers_and_open_tiles_for_reviewers() {
        let unreleased = campaign(CampaignState::Open, Visibility::Public, ReleaseLevel::Private);
        let reviewer = person(&[(7, Role::Reviewer)], Scopes::ALL);
        let researcher = person(&[(7, Role::Researcher)], Scopes::ALL);
        assert!(reviewer.may_see_open_tiles(&unreleased) && !reviewer.may_see_map(&unreleased));
        assert!(!reviewer.may_download_labels(&unreleased));
        assert!(researcher.may_see_map(&unreleased) && researcher.may_download_labels(&unreleased));
        assert!(!researcher.may_coordinate(&unreleased));
    }

    #[test]
    fn a_coarsened_map_is_cells_below_researcher_and_a_stricter_campaign_takes_back_what_it_released() {
        use ReleaseLevel::{Coarsened, Private, Public};
        let at = |level| campaign(CampaignState::Open, Visibility::Public, level);
        let reviewer = person(&[(7, Role::Reviewer)], Scopes::ALL);
        let researcher = person(&[(7, Role::Researcher)], Scopes::ALL);
        let grains = |level| [&Viewer::Nobody, &reviewer, &researcher].map(|viewer| viewer.map_grain(&at(level)));
        assert_eq!(grains(Public), [MapGrain::Tiles; 3]);
        assert_eq!(grains(Coarsened), [MapGrain::Cells, MapGrain::Cells, MapGrain::Tiles]);
        assert_eq!(grains(Private), [MapGrain::Nothing, MapGrain::Nothing, MapGrain::Tiles]);
        let hidden = campaign(CampaignState::Open, Visibility::Private, Public);
        assert_eq!(Viewer::Nobody.map_grain(&hidden), MapGrain::Nothing);
        let everybody = |level, made| Viewer::Nobody.may_have_released(&at(level), made, Audience::Everybody);
        assert!(everybody(Public, Public) && everybody(Public, Coarsened) && everybody(Coarsened, Coarsened));
        for (level, made) in
            [(Coarsened, Public), (Private, Public), (Private, Coarsened), (Public, Private), (Private, Private)]
        {
            assert!(!everybody(level, made), "{level} {made}");
            assert!(researcher.may_have_released(&at(level), made, Audience::Researchers));
        }
        assert!(!reviewer.may_have_released(&at(Public), Public, Audience::Researchers));
    }

    #[test]
    fn a_token_carries_no_more_than_its_scopes_say() {
        let open = campaign(CampaignState::Open, Visibility::Private, ReleaseLevel::Private);
        let coordinator = [(7, Role::Coordinator)];
        let label = person(&coordinator, Scopes::parse("label"));
        assert!(label.may_label(&open) && !label.may_see_open_tiles(&open) && !label.may_coordinate(&open));
        let read = person(&coordinator, Scopes::parse("read"));
        assert!(!read.may_label(&open) && read.may_download_labels(&open) && !read.may_coordinate(&open));
        assert!(person(&coordinator, Scopes::parse("manage")).may_coordinate(&open));
        assert_eq!(Scopes::parse("admin LABEL"), Scopes::parse(""));
        assert!(!Scopes::parse("").label && !Scopes::parse("label read manage").own);
    }

    #[test]
    fn an_admin_coordinates_everything_but_only_with_a_credential_that_may_manage() {
        let draft = campaign(CampaignState::Draft, Visibility::Private, ReleaseLevel::Private);
        let admin = |scopes| {
            let volunteer = Volunteer { id: 1, name: Some("root".into()), admin: true, creator: false };
            let (proven_at, second_factor) = (None, SecondFactor::None);
            Viewer::Person(Person { volunteer, roles: vec![], scopes, proven_at, second_factor })
        };
        assert!(admin(Scopes::ALL).may_coordinate(&draft));
        assert!(!admin(Scopes::parse("label")).may_see(&draft));
        let reader = admin(Scopes::parse("read"));
        assert!(reader.may_download_labels(&draft) && !reader.may_coordinate(&draft) && !reader.is_admin());
    }

    #[test]
    fn power_without_a_second_factor_is_none_where_one_is_required() {
        use SecondFactorRule::{Optional, Required};
        let someone = |admin, roles: &[(i64, Role)], second_factor| Person {
            volunteer: Volunteer { id: 1, name: Some("layla".into()), admin, creator: false },
            roles: roles.to_vec(),
            scopes: Scopes::ALL,
            proven_at: None,
            second_factor,
        };
        let cora = [(7, Role::Coordinator), (8, Role::Researcher)];
        let without = someone(true, &cora, SecondFactor::None);
        assert_eq!(without.clone().under(Optional), without);
        let bare = without.under(Required);
        assert_eq!(bare, someone(false, &[(7, Role::Volunteer), (8, Role::Volunteer)], SecondFactor::Missing));
        assert!(bare.has_power(), "their session ends as soon as before");
        let with = someone(true, &cora, SecondFactor::SetUp);
        assert_eq!(with.clone().under(Required), with);
        let researcher = someone(false, &[(8, Role::Researcher)], SecondFactor::None);
        assert_eq!(researcher.clone().under(Required), researcher, "no power, nothing missing");
    }

    #[test]
    fn a_password_counts_as_just_given_for_a_quarter_of_an_hour() {
        let volunteer = Volunteer { id: 1, name: Some("layla".into()), admin: false, creator: false };
        let second_factor = SecondFactor::None;
        let someone = |proven_at| Person {
            volunteer: volunteer.clone(),
            roles: vec![],
            scopes: Scopes::ALL,
            proven_at,
            second_factor,
        };
        assert!(someone(Some(1_000)).is_proven(1_000) && someone(Some(1_000)).is_proven(901_000));
        assert!(
            !someone(Some(1_000)).is_proven(901_001) && !someone(Some(1_000)).is_proven(999),
            "nor from the future"
        );
        assert!(!someone(None).is_proven(1_000), "a token proves nothing");
        let guest = Volunteer { name: None, ..volunteer.clone() };
        assert!(Person { volunteer: guest, ..someone(None) }.is_proven(1_000));
    }
}
