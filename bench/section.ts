/** One line of the table. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** Where the single measurements lay. */
  readonly spread?: string;
  /** What the figure should be; `at most` unless more is better. */
  readonly aim?: number;
  readonly more?: 'better';
}

export interface SectionResult {
  readonly figures: readonly Figure[];
  /** More than fits the table; goes into the JSON file as it is. */
  readonly details?: unknown;
  /** More lines below the table. */
  readonly notes?: readonly string[];
}

export interface SectionOptions {
  /** Root of the project. */
  readonly root: string;
  /** Includes what takes minutes. */
  readonly long: boolean;
  /** Says what happens now. */
  readonly say: (message: string) => void;
}

/** One part of the benchmark; it cleans up after itself. */
export type Section = (options: SectionOptions) => Promise<SectionResult>;
