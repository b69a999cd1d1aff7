-- The schema `publication`: what the predecessor wrote down about its archive.
CREATE DATABASE `map_v2_publication` CHARACTER SET latin1;

CREATE TABLE `map_v2_publication`.`~log` (
  `id` int unsigned NOT NULL AUTO_INCREMENT COMMENT 'running number',
  `timestamp` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT 'when it was done',
  `version` varchar(12) NOT NULL COMMENT 'of the program',
  `user` varchar(255) NOT NULL COMMENT 'account and computer',
  `host` varchar(255) NOT NULL DEFAULT '' COMMENT 'computer',
  `event` varchar(255) NOT NULL DEFAULT '' COMMENT 'what was done',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB COMMENT='what was done to this schema';

CREATE TABLE `map_v2_publication`.`#globus_storage_location` (
  `globus_alias` varchar(32) NOT NULL COMMENT 'short name',
  `globus_endpoint` varchar(255) NOT NULL COMMENT 'endpoint',
  `globus_path` varchar(1024) NOT NULL COMMENT 'path in it',
  PRIMARY KEY (`globus_alias`)
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_publication`.`#data_set_type` (
  `dataset_type` varchar(64) NOT NULL COMMENT '',
  PRIMARY KEY (`dataset_type`)
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_publication`.`#file_type` (
  `file_type` varchar(32) NOT NULL COMMENT 'short name',
  `file_glob` varchar(64) NOT NULL COMMENT 'pattern',
  `file_descr` varchar(255) NOT NULL COMMENT 'in words',
  PRIMARY KEY (`file_type`)
) ENGINE=InnoDB COMMENT='';

-- Of an earlier age of the tables; nothing fills it any more.
CREATE TABLE `map_v2_publication`.`_archived_session` (
  `subject_id` int NOT NULL COMMENT 'number of the animal',
  `session` smallint NOT NULL COMMENT 'number of the session',
  `globus_alias` varchar(32) NOT NULL COMMENT 'short name',
  PRIMARY KEY (`subject_id`,`session`),
  FOREIGN KEY (`subject_id`,`session`) REFERENCES `map_v2_experiment`.`session` (`subject_id`,`session`)
    ON UPDATE CASCADE ON DELETE RESTRICT,
  FOREIGN KEY (`globus_alias`) REFERENCES `map_v2_publication`.`#globus_storage_location` (`globus_alias`)
    ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_publication`.`data_set` (
  `globus_alias` varchar(32) NOT NULL COMMENT 'short name',
  `dataset_name` varchar(128) NOT NULL COMMENT '',
  `dataset_type` varchar(64) NOT NULL COMMENT '',
  PRIMARY KEY (`globus_alias`,`dataset_name`),
  FOREIGN KEY (`globus_alias`) REFERENCES `map_v2_publication`.`#globus_storage_location` (`globus_alias`)
    ON UPDATE CASCADE ON DELETE RESTRICT,
  FOREIGN KEY (`dataset_type`) REFERENCES `map_v2_publication`.`#data_set_type` (`dataset_type`)
    ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_publication`.`data_set__physical_file` (
  `globus_alias` varchar(32) NOT NULL COMMENT 'short name',
  `dataset_name` varchar(128) NOT NULL COMMENT '',
  `file_subpath` varchar(128) NOT NULL COMMENT '',
  `file_type` varchar(32) NOT NULL COMMENT 'short name',
  PRIMARY KEY (`globus_alias`,`dataset_name`,`file_subpath`),
  FOREIGN KEY (`globus_alias`,`dataset_name`)
    REFERENCES `map_v2_publication`.`data_set` (`globus_alias`,`dataset_name`) ON UPDATE CASCADE ON DELETE RESTRICT,
  FOREIGN KEY (`file_type`) REFERENCES `map_v2_publication`.`#file_type` (`file_type`)
    ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_publication`.`_archived_raw_ephys` (
  `subject_id` int NOT NULL COMMENT 'number of the animal',
  `session` smallint NOT NULL COMMENT 'number of the session',
  `globus_alias` varchar(32) NOT NULL COMMENT 'short name',
  `dataset_name` varchar(128) NOT NULL COMMENT '',
  PRIMARY KEY (`subject_id`,`session`,`globus_alias`,`dataset_name`),
  FOREIGN KEY (`subject_id`,`session`) REFERENCES `map_v2_experiment`.`session` (`subject_id`,`session`)
    ON UPDATE CASCADE ON DELETE RESTRICT,
  FOREIGN KEY (`globus_alias`,`dataset_name`)
    REFERENCES `map_v2_publication`.`data_set` (`globus_alias`,`dataset_name`) ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_publication`.`_archived_tracking_video` (
  `subject_id` int NOT NULL COMMENT 'number of the animal',
  `session` smallint NOT NULL COMMENT 'number of the session',
  `globus_alias` varchar(32) NOT NULL COMMENT 'short name',
  `dataset_name` varchar(128) NOT NULL COMMENT '',
  PRIMARY KEY (`subject_id`,`session`,`globus_alias`,`dataset_name`),
  FOREIGN KEY (`subject_id`,`session`) REFERENCES `map_v2_experiment`.`session` (`subject_id`,`session`)
    ON UPDATE CASCADE ON DELETE RESTRICT,
  FOREIGN KEY (`globus_alias`,`dataset_name`)
    REFERENCES `map_v2_publication`.`data_set` (`globus_alias`,`dataset_name`) ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='';
