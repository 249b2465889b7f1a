//! An account; its secret key is sealed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "accounts")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub name: String,
    pub enabled: bool,
    pub provisioned: bool,
    pub provider_id: i64,
    pub directory: String,
    /// Whether no other account may store in, above or below the directory.
    pub exclusive: bool,
    pub day_limit: i32,
    pub access_key: String,
    pub secret_key: Vec<u8>,
    pub cloud_analysis: bool,
    pub edge_analysis: bool,
    pub updated_at: i64,
    /// How often its signed URLs were revoked; each is signed along with this.
    pub urls_revoked: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
