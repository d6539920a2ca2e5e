//! Tables of who takes part: accounts, sign-ins, roles, and how somebody stands in a campaign.

diesel::table! {
    volunteers (id) {
        id -> BigInt,
        name -> Nullable<Text>,
        name_key -> Nullable<Text>,
        password_hash -> Nullable<Text>,
        recovery_hash -> Nullable<Text>,
        recovery_until -> Nullable<BigInt>,
        admin -> Bool,
        creator -> Bool,
        had_account -> Bool,
        language -> Nullable<Text>,
        created_at -> BigInt,
        disabled_at -> Nullable<BigInt>,
        deleted_at -> Nullable<BigInt>,
        imported -> Bool,
    }
}

diesel::table! {
    sessions (id) {
        id -> BigInt,
        volunteer_id -> BigInt,
        refresh_hash -> Binary,
        previous_hash -> Nullable<Binary>,
        created_at -> BigInt,
        refreshed_at -> BigInt,
        expires_at -> BigInt,
        proven_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    personal_tokens (id) {
        id -> BigInt,
        volunteer_id -> BigInt,
        token_hash -> Binary,
        name -> Text,
        scopes -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    second_factors (volunteer_id) {
        volunteer_id -> BigInt,
        secret -> Binary,
        created_at -> BigInt,
        confirmed_at -> Nullable<BigInt>,
        last_step -> BigInt,
    }
}

diesel::table! {
    roles (volunteer_id, campaign_id, role) {
        volunteer_id -> BigInt,
        campaign_id -> BigInt,
        role -> Text,
        granted_by -> Nullable<BigInt>,
        granted_at -> BigInt,
    }
}

diesel::table! {
    invitations (id) {
        id -> BigInt,
        campaign_id -> BigInt,
        code_hash -> Binary,
        role -> Text,
        guests -> Bool,
        note -> Text,
        uses -> Integer,
        uses_left -> Integer,
        created_by -> Nullable<BigInt>,
        created_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    invitation_uses (invitation_id, volunteer_id) {
        invitation_id -> BigInt,
        volunteer_id -> BigInt,
        used_at -> BigInt,
    }
}

diesel::table! {
    participations (campaign_id, volunteer_id) {
        campaign_id -> BigInt,
        volunteer_id -> BigInt,
        labels -> Integer,
        tiles_served -> Integer,
        skips -> Integer,
        first_at -> BigInt,
        last_at -> BigInt,
        practice_passed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    exclusions (id) {
        id -> BigInt,
        campaign_id -> BigInt,
        volunteer_id -> BigInt,
        kind -> Text,
        reason -> Text,
        created_by -> BigInt,
        created_at -> BigInt,
        lifted_by -> Nullable<BigInt>,
        lifted_at -> Nullable<BigInt>,
        applied_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    announcements (id) {
        id -> BigInt,
        campaign_id -> BigInt,
        level -> Text,
        texts -> Text,
        to_everybody -> Bool,
        shown_from -> BigInt,
        shown_until -> Nullable<BigInt>,
        created_by -> BigInt,
        created_at -> BigInt,
        withdrawn_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    announcement_readers (announcement_id, volunteer_id) {
        announcement_id -> BigInt,
        volunteer_id -> BigInt,
        read_at -> Nullable<BigInt>,
    }
}
