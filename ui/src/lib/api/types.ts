/** Short names for the types that the server's OpenAPI document gives (scripts/openapi). */
import type { components, paths } from './schema.gen';

type Schemas = components['schemas'];
type Events<
  Path extends
    | '/api/chat/stream'
    | '/api/runs/{run_name}/events'
    | '/api/imports/{import_id}/events',
> =
  paths[Path] extends { get: { responses: { 200: { content: { 'text/event-stream': infer Data } } } } }
    ? Data
    : paths[Path] extends { post: { responses: { 200: { content: { 'text/event-stream': infer Data } } } } }
      ? Data
      : never;

export type Health = Schemas['Health'];
export type PageDefaults = Schemas['PageDefaults'];
export type Turn = Schemas['HistoryTurn'];
export type ReplyFrame = Events<'/api/chat/stream'>;

/** A seed is digits: it may be longer than a number of JavaScript is exact. */
export type Sampling = PageDefaults & { seed?: string };
/** Which run and checkpoint is to reply. */
export type ModelChoice = { run?: string; step?: number };
/** How a reply is asked for. */
export type Asking = Sampling & ModelChoice;
export type Question = Asking & { message: string; history: Turn[]; origin: true };

export type ChatRow = Schemas['ChatRow'];
export type ChatList = Schemas['ChatList'];
export type VariantRow = Schemas['VariantRow'];
export type MessageRow = Schemas['MessageRow'];
export type Chat = Schemas['KeptChat'];
export type CorrectedChat = Schemas['CorrectedChat'];
export type Trace = Schemas['TraceAnswer'];
export type Passage = Schemas['TracedPassage'];
export type Recalled = Schemas['RecalledAnswer'];

export type RunList = Schemas['RunList'];
export type RunRow = Schemas['RunRow'];
export type DamagedRun = Schemas['DamagedRun'];
export type Started = Schemas['Started'];
export type Metrics = Schemas['Metrics'];
export type RunEvents = Events<'/api/runs/{run_name}/events'>;
export type Phase = RunRow['phases'][number];
export type Evaluation = RunEvents['metrics'];
export type LivePoint = RunEvents['live'];
export type Sample = RunEvents['sample'];
export type Progress = RunEvents['progress'];

export type ImportNow = Schemas['ImportNow'];
export type ImportAnswer = Schemas['ImportAnswer'];
export type ImportEvents = Events<'/api/imports/{import_id}/events'>;
export type FoundSource = Schemas['FoundSource'];
export type AddedSource = Schemas['AddedSource'];
export type LeftOut = Schemas['Reason'];
export type KnownSource = Schemas['KnownSource'];
export type Said = Schemas['Said'];
export type CorpusSource = Schemas['CorpusSource'];
export type CorpusStatistics = Schemas['CorpusStatistics'];

export type ExportOffer = Schemas['ExportOffer'];
export type ExportChoice = Schemas['ExportChoice'];
export type WrittenExport = Schemas['WrittenExport'];
export type PieceRow = Schemas['PieceRow'];
export type PiecesAnswer = Schemas['PiecesAnswer'];
export type PairsAnswer = Schemas['PairsAnswer'];
export type PassagesAnswer = Schemas['PassagesAnswer'];
export type PassageRow = Schemas['PassageRow'];
export type ContinueAnswer = Schemas['ContinueAnswer'];
export type HeadsAnswer = Schemas['HeadsAnswer'];
export type HeadRow = Schemas['HeadRow'];
export type NeuronsAnswer = Schemas['NeuronsAnswer'];
export type FiringAnswer = Schemas['FiringAnswer'];
export type NextAnswer = Schemas['NextAnswer'];
export type SurpriseAnswer = Schemas['SurpriseAnswer'];
export type StepsAnswer = Schemas['StepsAnswer'];
export type InsideRuns = Schemas['InsideRuns'];
export type InsideRun = Schemas['InsideRun'];
export type Ladders = Schemas['Ladders'];
export type LadderRow = Schemas['LadderRow'];
