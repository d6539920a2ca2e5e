//! Tables of campaigns with their texts, scales and policies; what was done, and what is locked.

diesel::table! {
    scales (id) {
        id -> BigInt,
        key -> Text,
        ordered -> Bool,
        heavy_from -> SmallInt,
        screening -> Nullable<Double>,
        built_in -> Bool,
    }
}

diesel::table! {
    scale_answers (scale_id, place) {
        scale_id -> BigInt,
        place -> SmallInt,
        key -> Text,
        role -> Text,
        low -> Nullable<SmallInt>,
        high -> Nullable<SmallInt>,
        code -> Integer,
        names -> Text,
    }
}

diesel::table! {
    campaigns (id) {
        id -> BigInt,
        slug -> Text,
        state -> Text,
        visibility -> Text,
        release_level -> Text,
        kind -> Text,
        tile_source -> Text,
        labelling_zoom -> Nullable<SmallInt>,
        scale_id -> BigInt,
        language -> Text,
        licence -> Nullable<Text>,
        synthetic -> Bool,
        area -> Nullable<Text>,
        margin -> Double,
        least_m -> Double,
        west -> Nullable<Double>,
        south -> Nullable<Double>,
        east -> Nullable<Double>,
        north -> Nullable<Double>,
        pseudonym_key -> Binary,
        model -> Integer,
        created_at -> BigInt,
        opened_at -> Nullable<BigInt>,
        closed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    campaign_texts (campaign_id, language) {
        campaign_id -> BigInt,
        language -> Text,
        title -> Text,
        purpose -> Text,
        introduction -> Text,
        instructions -> Text,
        care_notice -> Text,
        help_lines -> Text,
        news -> Text,
    }
}

diesel::table! {
    guide_texts (campaign_id, language, answer) {
        campaign_id -> BigInt,
        language -> Text,
        answer -> SmallInt,
        text -> Text,
    }
}

diesel::table! {
    imports (campaign_id) {
        campaign_id -> BigInt,
        source -> Text,
        settings -> Text,
        started_at -> BigInt,
        finished_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    policies (campaign_id) {
        campaign_id -> BigInt,
        settings -> Text,
        version -> Integer,
    }
}

diesel::table! {
    policy_versions (campaign_id, version) {
        campaign_id -> BigInt,
        version -> Integer,
        settings -> Text,
        reason -> Text,
        changed_by -> Nullable<BigInt>,
        in_force_from -> BigInt,
        closed_too -> Bool,
        tiles_after -> BigInt,
        applied_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    priority_areas (id) {
        id -> BigInt,
        campaign_id -> BigInt,
        name -> Text,
        level -> SmallInt,
        geometry -> Text,
        created_by -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

diesel::table! {
    audit_log (id) {
        id -> BigInt,
        at -> BigInt,
        actor_id -> Nullable<BigInt>,
        campaign_id -> Nullable<BigInt>,
        act -> Text,
        subject -> Text,
        reason -> Text,
        detail -> Text,
    }
}

diesel::table! {
    locks (name) {
        name -> Text,
        holder -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    backups (id) {
        id -> BigInt,
        made_at -> BigInt,
        finished_at -> BigInt,
        bytes -> BigInt,
    }
}
