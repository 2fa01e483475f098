ALTER TABLE points ADD INDEX tier (tier);
