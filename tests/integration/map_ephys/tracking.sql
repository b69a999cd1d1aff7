-- The schema `tracking`: cameras, and what was seen in the videos, trial by trial.
CREATE DATABASE `map_v2_tracking` CHARACTER SET utf8;

CREATE TABLE `map_v2_tracking`.`~log` (
  `id` int unsigned NOT NULL AUTO_INCREMENT COMMENT 'running number',
  `timestamp` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT 'when it was done',
  `version` varchar(12) NOT NULL COMMENT 'of the program',
  `user` varchar(255) NOT NULL COMMENT 'account and computer',
  `host` varchar(255) NOT NULL DEFAULT '' COMMENT 'computer',
  `event` varchar(255) NOT NULL DEFAULT '' COMMENT 'what was done',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB COMMENT='what was done to this schema';

CREATE TABLE `map_v2_tracking`.`#tracking_device` (
  `tracking_device` varchar(20) NOT NULL COMMENT 'which camera',
  `tracking_position` varchar(20) NOT NULL COMMENT 'where it looks from',
  `sampling_rate` decimal(8,4) NOT NULL COMMENT '(Hz)',
  `tracking_device_description` varchar(100) NOT NULL COMMENT 'maker and model',
  PRIMARY KEY (`tracking_device`)
) ENGINE=InnoDB COMMENT='';

CREATE TABLE `map_v2_tracking`.`_tracking` (
  `subject_id` int NOT NULL COMMENT 'number of the animal',
  `session` smallint NOT NULL COMMENT 'number of the session',
  `trial` smallint NOT NULL COMMENT 'from 1',
  `tracking_device` varchar(20) NOT NULL COMMENT 'which camera',
  `tracking_samples` int NOT NULL COMMENT 'frames',
  PRIMARY KEY (`subject_id`,`session`,`trial`,`tracking_device`),
  FOREIGN KEY (`subject_id`,`session`,`trial`)
    REFERENCES `map_v2_experiment`.`_session_trial` (`subject_id`,`session`,`trial`)
    ON UPDATE CASCADE ON DELETE RESTRICT,
  FOREIGN KEY (`tracking_device`) REFERENCES `map_v2_tracking`.`#tracking_device` (`tracking_device`)
    ON UPDATE CASCADE ON DELETE RESTRICT
) ENGINE=InnoDB COMMENT='';
