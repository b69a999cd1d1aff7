-- The schema `lab` of a running map-ephys database, as DataJoint 0.12 and 0.13 left it on MySQL 5.7.
CREATE DATABASE `map_v2_lab` CHARACTER SET latin1;

CREATE TABLE `map_v2_lab`.`~log` (
  `id` int unsigned NOT NULL AUTO_INCREMENT COMMENT 'running number',
  `timestamp` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT 'when it was done',
  `version` varchar(12) NOT NULL COMMENT 'of the program',
  `user` varchar(255) NOT NULL COMMENT 'account and computer',
  `host` varchar(255) NOT NULL DEFAULT '' COMMENT 'computer',
  `event` varchar(255) NOT NULL DEFAULT '' COMMENT 'what was done',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB COMMENT='what was done to this schema';

CREATE TABLE `map_v2_lab`.`person` (
  `username` varchar(24) NOT NULL COMMENT '',
  `fullname` varchar(255) NOT NULL COMMENT '',
  PRIMARY KEY (`username`)
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_lab`.`rig` (
  `rig` varchar(24) NOT NULL COMMENT '',
  `room` varchar(20) NOT NULL COMMENT 'number of the room',
  `rig_description` varchar(1024) NOT NULL COMMENT '',
  PRIMARY KEY (`rig`)
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_lab`.`#animal_strain` (
  `animal_strain` varchar(30) NOT NULL COMMENT '',
  PRIMARY KEY (`animal_strain`)
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_lab`.`#animal_source` (
  `animal_source` varchar(30) NOT NULL COMMENT '',
  PRIMARY KEY (`animal_source`)
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_lab`.`subject` (
  `subject_id` int NOT NULL COMMENT 'number of the animal',
  `username` varchar(24) DEFAULT NULL COMMENT '',
  `cage_number` int NOT NULL COMMENT 'number of the cage',
  `date_of_birth` date NOT NULL COMMENT 'calendar date',
  `sex` enum('M','F','Unknown') NOT NULL COMMENT '',
  `animal_source` varchar(30) DEFAULT NULL COMMENT '',
  PRIMARY KEY (`subject_id`),
  FOREIGN KEY (`username`) REFERENCES `map_v2_lab`.`person` (`username`) ON UPDATE CASCADE ON DELETE RESTRICT,
  FOREIGN KEY (`animal_source`) REFERENCES `map_v2_lab`.`#animal_source` (`animal_source`)
    ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_lab`.`subject__strain` (
  `subject_id` int NOT NULL COMMENT 'number of the animal',
  `animal_strain` varchar(30) NOT NULL COMMENT '',
  PRIMARY KEY (`subject_id`,`animal_strain`),
  FOREIGN KEY (`subject_id`) REFERENCES `map_v2_lab`.`subject` (`subject_id`) ON UPDATE CASCADE ON DELETE RESTRICT,
  FOREIGN KEY (`animal_strain`) REFERENCES `map_v2_lab`.`#animal_strain` (`animal_strain`)
    ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='strains of an animal';

CREATE TABLE `map_v2_lab`.`water_restriction` (
  `subject_id` int NOT NULL COMMENT 'number of the animal',
  `water_restriction_number` varchar(16) NOT NULL COMMENT 'short name',
  `cage_number` int NOT NULL COMMENT '',
  `wr_start_date` date NOT NULL COMMENT '',
  `wr_start_weight` decimal(6,3) NOT NULL COMMENT '',
  PRIMARY KEY (`subject_id`),
  FOREIGN KEY (`subject_id`) REFERENCES `map_v2_lab`.`subject` (`subject_id`) ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_lab`.`__complete_genotype` (
  `subject_id` int NOT NULL COMMENT 'number of the animal',
  `complete_genotype` varchar(1000) NOT NULL COMMENT '',
  PRIMARY KEY (`subject_id`),
  FOREIGN KEY (`subject_id`) REFERENCES `map_v2_lab`.`subject` (`subject_id`) ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_lab`.`#skull_reference` (
  `skull_reference` varchar(60) NOT NULL COMMENT '',
  PRIMARY KEY (`skull_reference`)
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_lab`.`#probe_type` (
  `probe_type` varchar(32) NOT NULL COMMENT 'such as neuropixels 1.0 - 3A',
  PRIMARY KEY (`probe_type`)
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_lab`.`#probe_type__electrode` (
  `probe_type` varchar(32) NOT NULL COMMENT 'such as neuropixels 1.0 - 3A',
  `electrode` int NOT NULL COMMENT 'from 1',
  `shank` int NOT NULL COMMENT 'from 1, left to right',
  `shank_col` int NOT NULL COMMENT 'from 1, left to right',
  `shank_row` int NOT NULL COMMENT 'from 1, from the tip',
  `x_coord` float DEFAULT NULL COMMENT '(um)',
  `y_coord` float DEFAULT NULL COMMENT '(um)',
  `z_coord` float NOT NULL DEFAULT '0' COMMENT '(um)',
  PRIMARY KEY (`probe_type`,`electrode`),
  FOREIGN KEY (`probe_type`) REFERENCES `map_v2_lab`.`#probe_type` (`probe_type`) ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_lab`.`#electrode_config` (
  `probe_type` varchar(32) NOT NULL COMMENT 'such as neuropixels 1.0 - 3A',
  `electrode_config_name` varchar(64) NOT NULL COMMENT '',
  `electrode_config_hash` varchar(36) NOT NULL COMMENT 'keeps configurations apart',
  PRIMARY KEY (`probe_type`,`electrode_config_name`),
  UNIQUE KEY (`electrode_config_hash`),
  FOREIGN KEY (`probe_type`) REFERENCES `map_v2_lab`.`#probe_type` (`probe_type`) ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_lab`.`#probe` (
  `probe` varchar(32) NOT NULL COMMENT 'such as a serial number',
  `probe_type` varchar(32) NOT NULL COMMENT 'such as neuropixels 1.0 - 3A',
  `probe_comment` varchar(1000) NOT NULL DEFAULT '' COMMENT '',
  PRIMARY KEY (`probe`),
  FOREIGN KEY (`probe_type`) REFERENCES `map_v2_lab`.`#probe_type` (`probe_type`) ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='one probe';
