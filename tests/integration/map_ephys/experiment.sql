-- The schema `experiment`: sessions, trials, and what was noted about them.
CREATE DATABASE `map_v2_experiment` CHARACTER SET latin1;

CREATE TABLE `map_v2_experiment`.`~log` (
  `id` int unsigned NOT NULL AUTO_INCREMENT COMMENT 'running number',
  `timestamp` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT 'when it was done',
  `version` varchar(12) NOT NULL COMMENT 'of the program',
  `user` varchar(255) NOT NULL COMMENT 'account and computer',
  `host` varchar(255) NOT NULL DEFAULT '' COMMENT 'computer',
  `event` varchar(255) NOT NULL DEFAULT '' COMMENT 'what was done',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB COMMENT='what was done to this schema';

CREATE TABLE `map_v2_experiment`.`~jobs` (
  `table_name` varchar(255) NOT NULL COMMENT 'which table is filled',
  `key_hash` char(32) NOT NULL COMMENT 'of the key',
  `status` enum('reserved','error','ignore') NOT NULL COMMENT 'of the job',
  `key` blob DEFAULT NULL COMMENT 'the key itself',
  `error_message` varchar(2047) NOT NULL DEFAULT '' COMMENT 'of a job that failed',
  `error_stack` mediumblob DEFAULT NULL COMMENT 'of a job that failed',
  `user` varchar(255) NOT NULL DEFAULT '' COMMENT 'account',
  `host` varchar(255) NOT NULL DEFAULT '' COMMENT 'computer',
  `pid` int unsigned NOT NULL DEFAULT '0' COMMENT 'process',
  `connection_id` bigint unsigned NOT NULL DEFAULT '0' COMMENT 'connection',
  `timestamp` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT 'since when',
  PRIMARY KEY (`table_name`,`key_hash`)
) ENGINE=InnoDB COMMENT='who fills which table';

CREATE TABLE `map_v2_experiment`.`session` (
  `subject_id` int NOT NULL COMMENT 'number of the animal',
  `session` smallint NOT NULL COMMENT 'number of the session',
  `session_date` date NOT NULL COMMENT '',
  `session_time` time NOT NULL COMMENT '',
  `username` varchar(24) NOT NULL COMMENT '',
  `rig` varchar(24) NOT NULL COMMENT '',
  PRIMARY KEY (`subject_id`,`session`),
  UNIQUE KEY (`subject_id`,`session_date`,`session_time`),
  FOREIGN KEY (`subject_id`) REFERENCES `map_v2_lab`.`subject` (`subject_id`) ON UPDATE CASCADE ON DELETE RESTRICT,
  FOREIGN KEY (`username`) REFERENCES `map_v2_lab`.`person` (`username`) ON UPDATE CASCADE ON DELETE RESTRICT,
  FOREIGN KEY (`rig`) REFERENCES `map_v2_lab`.`rig` (`rig`) ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_experiment`.`_session_trial` (
  `subject_id` int NOT NULL COMMENT 'number of the animal',
  `session` smallint NOT NULL COMMENT 'number of the session',
  `trial` smallint NOT NULL COMMENT 'from 1',
  `trial_uid` int NOT NULL COMMENT 'of all trials',
  `start_time` decimal(9,4) NOT NULL COMMENT '(s) in the session',
  `stop_time` decimal(9,4) NOT NULL COMMENT '(s) in the session',
  PRIMARY KEY (`subject_id`,`session`,`trial`),
  FOREIGN KEY (`subject_id`,`session`) REFERENCES `map_v2_experiment`.`session` (`subject_id`,`session`)
    ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_experiment`.`session_comment` (
  `subject_id` int NOT NULL COMMENT 'number of the animal',
  `session` smallint NOT NULL COMMENT 'number of the session',
  `session_comment` varchar(767) NOT NULL COMMENT '',
  PRIMARY KEY (`subject_id`,`session`,`session_comment`),
  FOREIGN KEY (`subject_id`,`session`) REFERENCES `map_v2_experiment`.`session` (`subject_id`,`session`)
    ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='';
