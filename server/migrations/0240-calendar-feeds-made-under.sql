-- Widening: older releases go on comparing times, and leave this null where they make the first feed of a person.
--
-- Under which password and addresses a feed was made: when the one was set and the others given, in the order of their channels. It leads
-- somewhere while these are still the person's. Comparing these times with the feed's own took clocks of several processes for one, and a
-- time taken before a wait for one after it: a feed made by somebody who was just being shut out outlived that.
ALTER TABLE calendar_feed ADD COLUMN made_under timestamptz[];
