-- The schema `ephys`: insertions, and units that would not fit anywhere else.
CREATE DATABASE `map_v2_ephys` CHARACTER SET utf8;

CREATE TABLE `map_v2_ephys`.`~log` (
  `id` int unsigned NOT NULL AUTO_INCREMENT COMMENT 'running number',
  `timestamp` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT 'when it was done',
  `version` varchar(12) NOT NULL COMMENT 'of the program',
  `user` varchar(255) NOT NULL COMMENT 'account and computer',
  `host` varchar(255) NOT NULL DEFAULT '' COMMENT 'computer',
  `event` varchar(255) NOT NULL DEFAULT '' COMMENT 'what was done',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB COMMENT='what was done to this schema';

CREATE TABLE `map_v2_ephys`.`~external_archive_store` (
  `hash` binary(16) NOT NULL COMMENT ':uuid:of the contents',
  `size` bigint unsigned NOT NULL COMMENT 'bytes',
  `attachment_name` varchar(255) DEFAULT NULL COMMENT '',
  `filepath` varchar(1000) DEFAULT NULL COMMENT '',
  `contents_hash` binary(16) DEFAULT NULL COMMENT ':uuid:of the file',
  `timestamp` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT '',
  PRIMARY KEY (`hash`)
) ENGINE=InnoDB COMMENT='what lies outside of the database';

CREATE TABLE `map_v2_ephys`.`probe_insertion` (
  `subject_id` int NOT NULL COMMENT 'number of the animal',
  `session` smallint NOT NULL COMMENT 'number of the session',
  `insertion_number` int NOT NULL COMMENT '',
  `probe` varchar(32) CHARACTER SET latin1 NOT NULL COMMENT 'such as a serial number',
  `probe_type` varchar(32) CHARACTER SET latin1 NOT NULL COMMENT 'such as neuropixels 1.0 - 3A',
  `electrode_config_name` varchar(64) CHARACTER SET latin1 NOT NULL COMMENT '',
  PRIMARY KEY (`subject_id`,`session`,`insertion_number`),
  FOREIGN KEY (`subject_id`,`session`) REFERENCES `map_v2_experiment`.`session` (`subject_id`,`session`)
    ON UPDATE CASCADE ON DELETE RESTRICT,
  FOREIGN KEY (`probe`) REFERENCES `map_v2_lab`.`#probe` (`probe`) ON UPDATE CASCADE ON DELETE RESTRICT,
  FOREIGN KEY (`probe_type`,`electrode_config_name`)
    REFERENCES `map_v2_lab`.`#electrode_config` (`probe_type`,`electrode_config_name`)
    ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_ephys`.`probe_insertion__insertion_location` (
  `subject_id` int NOT NULL COMMENT 'number of the animal',
  `session` smallint NOT NULL COMMENT 'number of the session',
  `insertion_number` int NOT NULL COMMENT '',
  `skull_reference` varchar(60) CHARACTER SET latin1 NOT NULL COMMENT '',
  `ap_location` decimal(6,2) NOT NULL COMMENT '(um)',
  `ml_location` decimal(6,2) NOT NULL COMMENT '(um)',
  `depth` decimal(6,2) NOT NULL COMMENT '(um)',
  `theta` decimal(5,2) NOT NULL COMMENT '(deg)',
  `phi` decimal(5,2) NOT NULL COMMENT '(deg)',
  `beta` decimal(5,2) NOT NULL COMMENT '(deg)',
  PRIMARY KEY (`subject_id`,`session`,`insertion_number`),
  FOREIGN KEY (`subject_id`,`session`,`insertion_number`)
    REFERENCES `map_v2_ephys`.`probe_insertion` (`subject_id`,`session`,`insertion_number`)
    ON UPDATE CASCADE ON DELETE RESTRICT,
  FOREIGN KEY (`skull_reference`) REFERENCES `map_v2_lab`.`#skull_reference` (`skull_reference`)
    ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_ephys`.`probe_insertion_quality` (
  `subject_id` int NOT NULL COMMENT 'number of the animal',
  `session` smallint NOT NULL COMMENT 'number of the session',
  `insertion_number` int NOT NULL COMMENT '',
  `drift_presence` tinyint NOT NULL DEFAULT '0' COMMENT '',
  `number_of_landmarks` int NOT NULL COMMENT '',
  `alignment_confidence` tinyint NOT NULL DEFAULT '1' COMMENT '',
  `insertion_comment` varchar(1000) NOT NULL DEFAULT '' COMMENT 'why',
  PRIMARY KEY (`subject_id`,`session`,`insertion_number`),
  FOREIGN KEY (`subject_id`,`session`,`insertion_number`)
    REFERENCES `map_v2_ephys`.`probe_insertion` (`subject_id`,`session`,`insertion_number`)
    ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='good or bad, and why';

CREATE TABLE `map_v2_ephys`.`_unit` (
  `subject_id` int NOT NULL COMMENT 'number of the animal',
  `session` smallint NOT NULL COMMENT 'number of the session',
  `insertion_number` int NOT NULL COMMENT '',
  `unit` int NOT NULL COMMENT '',
  `spike_times` longblob NOT NULL COMMENT '(s)',
  PRIMARY KEY (`subject_id`,`session`,`insertion_number`,`unit`),
  FOREIGN KEY (`subject_id`,`session`,`insertion_number`)
    REFERENCES `map_v2_ephys`.`probe_insertion` (`subject_id`,`session`,`insertion_number`)
    ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='sorted unit';
